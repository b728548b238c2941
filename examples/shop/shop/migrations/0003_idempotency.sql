-- the same key with the same request gives the same order, once
CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    request_digest TEXT NOT NULL,
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE
);
CREATE INDEX orders_by_customer ON orders (customer, id);
