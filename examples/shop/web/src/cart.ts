// A cart is a value: each change gives a new one.

import type { Line, Product } from "./api.js";

export type Cart = ReadonlyMap<number, number>; // product id -> quantity

export const emptyCart: Cart = new Map();

/** As many more of a product as are in stock, at most. */
export function add(cart: Cart, product: Product, count = 1): Cart {
  const quantity = Math.min((cart.get(product.id) ?? 0) + count, product.stock);
  const next = new Map(cart);
  if (quantity > 0) {
    next.set(product.id, quantity);
  } else {
    next.delete(product.id);
  }
  return next;
}

export function remove(cart: Cart, product: Product): Cart {
  const next = new Map(cart);
  next.delete(product.id);
  return next;
}

export function lines(cart: Cart): Line[] {
  return [...cart].map(([product_id, quantity]) => ({ product_id, quantity }));
}

/** Cents. A product that is no longer sold costs nothing. */
export function total(cart: Cart, products: readonly Product[]): number {
  const prices = new Map(products.map((product) => [product.id, product.price_cents]));
  return [...cart].reduce((sum, [id, quantity]) => sum + quantity * (prices.get(id) ?? 0), 0);
}

export function money(cents: number): string {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")} €`;
}
