// The page: shows products, fills the cart, places the order.

import { ApiError, allProducts, placeOrder, type Fetch, type Product } from "./api.js";
import { add, emptyCart, lines, money, total, type Cart } from "./cart.js";

const request: Fetch = (path, init) => fetch(path, init);

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page has no #${id}`);
  }
  return found;
}

function row(product: Product, onAdd: () => void): HTMLLIElement {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = product.stock > 0 ? "Add" : "Sold out";
  button.disabled = product.stock === 0;
  button.addEventListener("click", onAdd);
  item.append(`${product.name} · ${money(product.price_cents)} `, button);
  return item;
}

async function start(): Promise<void> {
  const products = await allProducts(request);
  let cart: Cart = emptyCart;
  const show = (): void => {
    element("total").textContent = `${money(total(cart, products))} for ${cart.size} products`;
  };
  const choose = (product: Product): void => {
    cart = add(cart, product);
    show();
  };
  element("products").replaceChildren(...products.map((product) => row(product, () => choose(product))));
  let key = crypto.randomUUID(); // kept until an answer came: a second click repeats, it does not order twice
  element("order").addEventListener("click", async () => {
    try {
      const order = await placeOrder(request, "web", lines(cart), key);
      element("message").textContent = `Order ${order.id} is placed.`;
      [cart, key] = [emptyCart, crypto.randomUUID()];
      show();
    } catch (error) {
      element("message").textContent =
        error instanceof ApiError ? [error.message, ...error.details].join("; ") : "The shop does not answer.";
    }
  });
  show();
}

void start();
