-- Calls of models: what was called, what is paid, how much may be spent, and how fast.
-- Locks: none that matter; the tables are new.
-- Indexes: model_call_owner answers by owner and time, model_call_job by job, model_call_called_at finds what
-- is to be deleted and what the whole installation used; model_reservation_expiry what nobody settled.

-- Every call that was made, and every one that was not because its answer was there.
CREATE TABLE model_call (
  id uuid PRIMARY KEY,
  called_at timestamptz NOT NULL,
  -- Empty: the installation's own work.
  owner text NOT NULL,
  job_id uuid,
  step text,
  purpose text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('chat', 'embedding')),
  model text NOT NULL,
  prompt text,
  outcome text NOT NULL CHECK (outcome IN ('answered', 'cached', 'shared', 'failed', 'cancelled')),
  error_code text,
  -- Null: the server does not say.
  input_tokens bigint CHECK (input_tokens >= 0),
  output_tokens bigint CHECK (output_tokens >= 0),
  cached_input_tokens bigint CHECK (cached_input_tokens >= 0),
  -- US dollars. Null: the price is unknown.
  cost numeric(20, 10) CHECK (cost >= 0),
  latency_ms double precision NOT NULL CHECK (latency_ms >= 0)
);
CREATE INDEX model_call_owner ON model_call (owner, called_at, id);
CREATE INDEX model_call_job ON model_call (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX model_call_called_at ON model_call USING brin (called_at);

-- What is paid: once for each recorded step of a job, in the transaction that records it.
CREATE TABLE model_charge (
  job_id uuid NOT NULL,
  step text NOT NULL,
  owner text NOT NULL,
  model text NOT NULL,
  input_tokens bigint CHECK (input_tokens >= 0),
  output_tokens bigint CHECK (output_tokens >= 0),
  cached_input_tokens bigint CHECK (cached_input_tokens >= 0),
  cost numeric(20, 10) CHECK (cost >= 0),
  charged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job_id, step)
);
CREATE INDEX model_charge_owner ON model_charge (owner, charged_at);
CREATE INDEX model_charge_charged_at ON model_charge USING brin (charged_at);

-- Budgets that people set. A scope is an owner, or '*' for all calls together. Null: no such limit.
CREATE TABLE model_budget (
  scope text PRIMARY KEY CHECK (scope <> ''),
  day_dollars numeric(20, 10) CHECK (day_dollars >= 0),
  month_dollars numeric(20, 10) CHECK (month_dollars >= 0),
  day_tokens bigint CHECK (day_tokens >= 0),
  month_tokens bigint CHECK (month_tokens >= 0),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- What was spent of a budget in the day and month (UTC) in which it was last looked at, and what is set aside
-- for calls under way: the sums of their rows in model_reservation.
CREATE TABLE model_budget_use (
  scope text PRIMARY KEY,
  day date NOT NULL,
  month date NOT NULL,
  day_dollars numeric(20, 10) NOT NULL,
  month_dollars numeric(20, 10) NOT NULL,
  day_tokens bigint NOT NULL,
  month_tokens bigint NOT NULL,
  reserved_dollars numeric(20, 10) NOT NULL,
  reserved_tokens bigint NOT NULL,
  -- When a call was last refused, to within seconds.
  refused_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE model_reservation (
  id uuid NOT NULL,
  scope text NOT NULL,
  dollars numeric(20, 10) NOT NULL CHECK (dollars >= 0),
  tokens bigint NOT NULL CHECK (tokens >= 0),
  -- Its process says again and again that it lives. What is later than this is given back.
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (id, scope)
);
CREATE INDEX model_reservation_expiry ON model_reservation (scope, expires_at);

-- Locks what was spent of a budget, brought to this day. What was spent before it was first looked at is
-- counted from the list of calls. A clock that was put back begins no period a second time.
CREATE FUNCTION lock_budget_use(wanted text) RETURNS model_budget_use LANGUAGE plpgsql AS $$
DECLARE
  today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  this_month date := date_trunc('month', today::timestamp)::date;
  found_use model_budget_use;
BEGIN
  SELECT * INTO found_use FROM model_budget_use WHERE scope = wanted FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO model_budget_use (scope, day, month, day_dollars, month_dollars, day_tokens, month_tokens,
        reserved_dollars, reserved_tokens)
      SELECT wanted, today, this_month,
        coalesce(sum(cost) FILTER (WHERE called_at >= today::timestamp AT TIME ZONE 'UTC'), 0), coalesce(sum(cost), 0),
        coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))
          FILTER (WHERE called_at >= today::timestamp AT TIME ZONE 'UTC'), 0),
        coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0),
        (SELECT coalesce(sum(dollars), 0) FROM model_reservation WHERE scope = wanted),
        (SELECT coalesce(sum(tokens), 0) FROM model_reservation WHERE scope = wanted)
      FROM model_call
      WHERE called_at >= this_month::timestamp AT TIME ZONE 'UTC' AND outcome NOT IN ('cached', 'shared')
        AND (wanted = '*' OR owner = wanted)
      ON CONFLICT (scope) DO NOTHING;
    SELECT * INTO STRICT found_use FROM model_budget_use WHERE scope = wanted FOR UPDATE;
  END IF;
  IF found_use.day < today THEN
    UPDATE model_budget_use SET day = today, month = greatest(month, this_month), day_dollars = 0, day_tokens = 0,
      month_dollars = CASE WHEN month < this_month THEN 0 ELSE month_dollars END,
      month_tokens = CASE WHEN month < this_month THEN 0 ELSE month_tokens END
      WHERE scope = wanted RETURNING * INTO found_use;
  END IF;
  RETURN found_use;
END $$;

-- Gives back what calls had set aside whose process has not been heard of. Locks the budget's use.
CREATE FUNCTION reclaim_budget(wanted text) RETURNS model_budget_use LANGUAGE plpgsql AS $$
DECLARE
  found_use model_budget_use := lock_budget_use(wanted);
BEGIN
  WITH gone AS (
    DELETE FROM model_reservation WHERE scope = wanted AND expires_at < clock_timestamp() RETURNING dollars, tokens
  ), given AS (
    SELECT coalesce(sum(dollars), 0) AS dollars, coalesce(sum(tokens), 0) AS tokens FROM gone
  )
  UPDATE model_budget_use SET reserved_dollars = greatest(0, reserved_dollars - given.dollars),
    reserved_tokens = greatest(0, reserved_tokens - given.tokens)
  FROM given WHERE scope = wanted
  RETURNING model_budget_use.* INTO found_use;
  RETURN found_use;
END $$;

-- The limits that a call would break: none when it fits. A call that costs nothing fits always; one of which
-- nobody knows what it costs, as long as something is left.
CREATE FUNCTION broken_limits(spent model_budget_use, limits jsonb, dollars numeric, tokens bigint)
RETURNS TABLE (measure text, allowed double precision, used double precision) LANGUAGE sql IMMUTABLE AS $$
  SELECT name, most::double precision, so_far::double precision
  FROM (VALUES
    ('day_dollars', (limits ->> 'day_dollars')::numeric, spent.day_dollars + spent.reserved_dollars, dollars),
    ('month_dollars', (limits ->> 'month_dollars')::numeric, spent.month_dollars + spent.reserved_dollars, dollars),
    ('day_tokens', (limits ->> 'day_tokens')::numeric, spent.day_tokens + spent.reserved_tokens, tokens::numeric),
    ('month_tokens', (limits ->> 'month_tokens')::numeric, spent.month_tokens + spent.reserved_tokens, tokens::numeric)
  ) AS measured (name, most, so_far, wanted)
  WHERE CASE WHEN wanted IS NULL THEN so_far >= most WHEN wanted = 0 THEN false ELSE so_far + wanted > most END
$$;

-- Sets aside what a call may cost in each of its budgets, or in none. `budgets` are {scope, and limits}: the
-- owner's first, then '*', which is the order of their locks. Answers with what would be broken; nothing: done.
CREATE FUNCTION reserve_budget(reservation uuid, dollars numeric, tokens bigint, lease_ms double precision, budgets jsonb)
RETURNS TABLE (scope text, measure text, allowed double precision, used double precision) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  budget jsonb;
  spent model_budget_use;
BEGIN
  FOR budget IN SELECT value FROM jsonb_array_elements(budgets) LOOP
    spent := lock_budget_use(budget ->> 'scope');
    CONTINUE WHEN NOT EXISTS (
      SELECT FROM broken_limits(spent, budget, reserve_budget.dollars, reserve_budget.tokens));
    spent := reclaim_budget(budget ->> 'scope');
    RETURN QUERY SELECT budget ->> 'scope', broken.measure, broken.allowed, broken.used
      FROM broken_limits(spent, budget, reserve_budget.dollars, reserve_budget.tokens) AS broken;
    IF FOUND THEN
      UPDATE model_budget_use SET refused_at = clock_timestamp() WHERE model_budget_use.scope = budget ->> 'scope'
        AND (refused_at IS NULL OR refused_at NOT BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp());
      RETURN;
    END IF;
  END LOOP;
  FOR budget IN SELECT value FROM jsonb_array_elements(budgets) LOOP
    INSERT INTO model_reservation (id, scope, dollars, tokens, expires_at)
      VALUES (reservation, budget ->> 'scope', coalesce(reserve_budget.dollars, 0), coalesce(reserve_budget.tokens, 0),
        clock_timestamp() + lease_ms * interval '1 millisecond');
    UPDATE model_budget_use SET reserved_dollars = reserved_dollars + coalesce(reserve_budget.dollars, 0),
        reserved_tokens = reserved_tokens + coalesce(reserve_budget.tokens, 0)
      WHERE model_budget_use.scope = budget ->> 'scope';
  END LOOP;
END $$;

-- Gives back what was set aside and counts what was spent, once: a second time there is nothing to give back.
CREATE FUNCTION settle_budget(reservation uuid, scopes text[], spent_dollars numeric, spent_tokens bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  wanted text;
  held model_reservation;
BEGIN
  FOREACH wanted IN ARRAY scopes LOOP
    PERFORM lock_budget_use(wanted);
    DELETE FROM model_reservation WHERE id = reservation AND scope = wanted RETURNING * INTO held;
    CONTINUE WHEN NOT FOUND;
    UPDATE model_budget_use SET
      day_dollars = day_dollars + spent_dollars, month_dollars = month_dollars + spent_dollars,
      day_tokens = day_tokens + spent_tokens, month_tokens = month_tokens + spent_tokens,
      reserved_dollars = greatest(0, reserved_dollars - held.dollars),
      reserved_tokens = greatest(0, reserved_tokens - held.tokens)
      WHERE scope = wanted;
  END LOOP;
END $$;

-- Requests and tokens that a model has left, for all processes; and until when its server wants to be left alone.
CREATE TABLE model_limit (
  model text PRIMARY KEY,
  requests double precision NOT NULL DEFAULT 0,
  -- May be below zero: a call that is larger than the bucket is let through when that is full, and owes.
  tokens double precision NOT NULL DEFAULT 0,
  -- Null: only held back, never taken from.
  refilled_at timestamptz,
  held_until timestamptz
) WITH (fillfactor = 50);

-- Owners who were told to wait, and the share of each of them while several wait.
CREATE TABLE model_limit_owner (
  model text NOT NULL,
  owner text NOT NULL,
  requests double precision NOT NULL,
  tokens double precision NOT NULL,
  refilled_at timestamptz NOT NULL,
  -- Others leave it its share until then.
  waiting_until timestamptz NOT NULL,
  -- When the last of those that it has waiting was told to come back.
  promised_until timestamptz NOT NULL,
  PRIMARY KEY (model, owner)
) WITH (fillfactor = 50);
CREATE INDEX model_limit_owner_waiting ON model_limit_owner (model, waiting_until);

-- Takes one request and so many tokens of a model, or says in how many milliseconds to come back; 0: taken.
-- Buckets hold six seconds' worth, so that no minute sees more than 1.1 times its limit. While others wait, an
-- owner takes no more than its equal part. Those who are told to wait get different times, up to a minute,
-- so that they neither come all at once nor all again for each token. Time is the database's, and never runs
-- backwards here.
CREATE FUNCTION take_model_limit(of_model text, of_owner text, wanted double precision, per_minute double precision,
  tokens_per_minute double precision)
RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  request_cap double precision := greatest(1, per_minute / 10);
  token_cap double precision := greatest(1, tokens_per_minute / 10);
  bucket model_limit;
  mine model_limit_owner;
  is_known boolean;
  others integer;
  share double precision := 1;
  at timestamptz;
  wait double precision;
  each double precision;
  back_at timestamptz;
BEGIN
  SELECT * INTO bucket FROM model_limit WHERE model = of_model FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO model_limit (model) VALUES (of_model) ON CONFLICT (model) DO NOTHING;
    SELECT * INTO STRICT bucket FROM model_limit WHERE model = of_model FOR UPDATE;
  END IF;
  -- Read when the lock is held: a time from before the wait for it would be filled in twice.
  at := clock_timestamp();
  IF bucket.held_until > at THEN RETURN extract(epoch FROM bucket.held_until - at) * 1000; END IF;
  IF bucket.refilled_at IS NULL THEN
    bucket.requests := request_cap;
    bucket.tokens := token_cap;
    bucket.refilled_at := at;
  END IF;
  each := greatest(0, extract(epoch FROM at - bucket.refilled_at)) / 60;
  bucket.requests := least(request_cap, bucket.requests + each * per_minute);
  bucket.tokens := least(token_cap, bucket.tokens + each * tokens_per_minute);
  wait := greatest(0, (1 - bucket.requests) * 60 / per_minute,
    (least(wanted, token_cap) - bucket.tokens) * 60 / tokens_per_minute);

  SELECT count(*) INTO others FROM model_limit_owner
    WHERE model = of_model AND owner <> of_owner AND waiting_until > at;
  SELECT * INTO mine FROM model_limit_owner WHERE model = of_model AND owner = of_owner;
  is_known := FOUND;
  IF NOT is_known THEN
    mine := ROW(of_model, of_owner, 1, 0, at, at, at)::model_limit_owner;
  END IF;
  IF others > 0 THEN
    share := 1.0 / (others + 1);
    each := greatest(0, extract(epoch FROM at - mine.refilled_at)) / 60 * share;
    mine.requests := least(greatest(1, request_cap * share), mine.requests + each * per_minute);
    mine.tokens := least(token_cap * share, mine.tokens + each * tokens_per_minute);
    -- One who comes anew owes nothing, and so may begin; then each pays for what it took.
    wait := greatest(wait, (1 - mine.requests) * 60 / (per_minute * share), -mine.tokens * 60 / (tokens_per_minute * share));
  ELSE
    -- Nobody saves up a share while it has everything.
    mine.requests := 0;
    mine.tokens := 0;
  END IF;
  mine.refilled_at := at;

  IF wait <= 0 THEN
    UPDATE model_limit SET requests = coalesce(bucket.requests - 1, 0), tokens = coalesce(bucket.tokens - wanted, 0),
      refilled_at = at WHERE model = of_model;
    -- Whoever else of it still waits says so again within a second or is not waiting any more.
    mine.waiting_until := least(mine.waiting_until, at + interval '1 second');
    IF others > 0 THEN
      mine.requests := mine.requests - 1;
      mine.tokens := mine.tokens - wanted;
    END IF;
  ELSE
    UPDATE model_limit SET requests = coalesce(bucket.requests, 0), tokens = coalesce(bucket.tokens, 0), refilled_at = at
      WHERE model = of_model;
    each := greatest(60 / (per_minute * share), wanted * 60 / (tokens_per_minute * share));
    back_at := at + wait * interval '1 second';
    IF mine.promised_until BETWEEN at AND at + interval '1 hour' THEN
      back_at := greatest(back_at, least(mine.promised_until + each * interval '1 second', at + interval '60 seconds'));
    END IF;
    mine.promised_until := back_at;
    mine.waiting_until := back_at + interval '2 seconds';
  END IF;
  IF others > 0 OR is_known OR wait > 0 THEN
    INSERT INTO model_limit_owner SELECT mine.*
    ON CONFLICT (model, owner) DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens,
      refilled_at = excluded.refilled_at, waiting_until = excluded.waiting_until, promised_until = excluded.promised_until;
  END IF;
  RETURN CASE WHEN wait <= 0 THEN 0 ELSE greatest(1, extract(epoch FROM back_at - at) * 1000) END;
END $$;

-- What a call used less than it took is given back, what it used more is owed.
CREATE FUNCTION settle_model_limit(of_model text, of_owner text, unused double precision)
RETURNS void LANGUAGE sql AS $$
  UPDATE model_limit SET tokens = tokens + unused WHERE model = of_model;
  UPDATE model_limit_owner SET tokens = tokens + unused WHERE model = of_model AND owner = of_owner;
$$;
