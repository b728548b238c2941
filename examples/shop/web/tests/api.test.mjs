import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, allProducts, placeOrder } from "../dist/api.js";

const json = (status, body) => Promise.resolve(new Response(JSON.stringify(body), { status }));

test("all pages are read, in order", async () => {
  const pages = { 0: { items: [{ id: 1 }], next: 1 }, 1: { items: [{ id: 2 }], next: null } };
  const fetch = (path) => json(200, pages[new URL(path, "http://shop").searchParams.get("after")]);
  assert.deepEqual(await allProducts(fetch, 1), [{ id: 1 }, { id: 2 }]);
});

test("an order carries its key", async () => {
  let sent;
  const fetch = (path, init) => {
    sent = init;
    return json(201, { id: 7 });
  };
  const order = await placeOrder(fetch, "ada", [{ product_id: 1, quantity: 2 }], "key-1");
  assert.equal(order.id, 7);
  assert.equal(sent.headers["Idempotency-Key"], "key-1");
  assert.deepEqual(JSON.parse(sent.body), { customer: "ada", lines: [{ product_id: 1, quantity: 2 }] });
});

test("a refusal says why", async () => {
  const fetch = () => json(409, { error: "only 1 left", details: ["product_id 1"] });
  await assert.rejects(placeOrder(fetch, "ada", [], "k"), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.message, error.details], [409, "only 1 left", ["product_id 1"]]);
    return true;
  });
});
