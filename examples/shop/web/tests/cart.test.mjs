import assert from "node:assert/strict";
import { test } from "node:test";

import { add, emptyCart, lines, money, remove, total } from "../dist/cart.js";

const lamp = { id: 1, sku: "LAMP-1", name: "Lamp", price_cents: 1999, stock: 3 };
const mug = { id: 2, sku: "MUG-1", name: "Mug", price_cents: 500, stock: 10 };

test("a cart never holds more than is in stock", () => {
  assert.deepEqual(lines(add(emptyCart, lamp, 5)), [{ product_id: 1, quantity: 3 }]);
});

test("the same product counts up", () => {
  assert.deepEqual(lines(add(add(emptyCart, mug), mug)), [{ product_id: 2, quantity: 2 }]);
});

test("a change leaves the earlier cart alone", () => {
  const one = add(emptyCart, lamp);
  assert.equal(remove(one, lamp).size, 0);
  assert.equal(one.size, 1);
});

test("a sold-out product cannot be chosen", () => {
  assert.equal(add(emptyCart, { ...lamp, stock: 0 }).size, 0);
});

test("the total is in cents and is shown in money", () => {
  const cart = add(add(emptyCart, lamp, 2), mug);
  assert.equal(total(cart, [lamp, mug]), 4498);
  assert.equal(money(total(cart, [lamp, mug])), "44.98 €");
  assert.equal(money(5), "0.05 €");
});
