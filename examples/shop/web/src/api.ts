// The shop's API, typed. Money is in cents.

export interface Product {
  readonly id: number;
  readonly sku: string;
  readonly name: string;
  readonly price_cents: number;
  readonly stock: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: number | null;
}

export interface Line {
  readonly product_id: number;
  readonly quantity: number;
}

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly status: "placed" | "cancelled";
  readonly total_cents: number;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details: readonly string[],
  ) {
    super(message);
  }
}

export type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

async function ask<Answer>(fetch: Fetch, path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(path, init);
  const body: unknown = await response.json();
  if (!response.ok) {
    const { error, details } = body as { error: string; details: readonly string[] };
    throw new ApiError(response.status, error, details);
  }
  return body as Answer;
}

/** Every product, page after page. */
export async function allProducts(fetch: Fetch, limit = 100): Promise<Product[]> {
  const products: Product[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Page<Product> = await ask(fetch, `/api/products?after=${after}&limit=${limit}`);
    products.push(...page.items);
    after = page.next;
  }
  return products;
}

/** Places an order. The key makes a second try after a lost answer harmless. */
export function placeOrder(fetch: Fetch, customer: string, lines: readonly Line[], key: string): Promise<Order> {
  return ask(fetch, "/api/orders", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ customer, lines }),
  });
}
