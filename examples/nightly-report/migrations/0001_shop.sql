-- Orders of a small shop, with a few of yesterday, and the reports on them.
CREATE TABLE shop_order (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  price_cents integer NOT NULL CHECK (price_cents > 0),
  ordered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shop_order_ordered_at ON shop_order (ordered_at);

CREATE TABLE shop_report (
  day date PRIMARY KEY,
  orders integer NOT NULL,
  revenue_cents bigint NOT NULL
);

INSERT INTO shop_order (price_cents, ordered_at)
VALUES (1200, current_date - interval '20 hours'), (950, current_date - interval '9 hours'), (400, now());
