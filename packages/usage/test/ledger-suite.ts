import { newId, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { CallList } from "../src/ledger/call-list.ts";
import { listCalls, pruneUsage, recordCharge } from "../src/index.ts";
import { sumCalls, sumCharges } from "../src/ledger/read-usage.ts";
import { callOf, openUsage, portsOf } from "./scene.ts";
import type { Ground } from "./scene.ts";

const always = { from: new Date("2020-01-01T00:00:00Z"), to: new Date("2100-01-01T00:00:00Z") };

export function ledgerSuite(ground: () => Ground): void {
  const listOf = (owner: string) => listCalls(ground().database.queryable, { owners: [owner], limit: 100 });

  it("lists a call with everything that is known of it", async () => {
    const [owner, job] = [newId(), newId()];
    const usage = await openUsage(ground());
    const call = callOf(owner, { origin: { owner, job, step: "map/1" }, errorCode: "x", outcome: "failed" });

    portsOf(usage).ledger.record(call);
    await usage.stop();

    expect(await listOf(owner)).toEqual([
      {
        id: call.id,
        called_at: call.at,
        owner,
        job_id: job,
        step: "map/1",
        purpose: "test.ask",
        kind: "chat",
        model: "openai:x",
        prompt: "test@1",
        outcome: "failed",
        error_code: "x",
        input_tokens: 100,
        output_tokens: 20,
        cached_input_tokens: 10,
        cost: 0.0015,
        latency_ms: 12.5,
      },
    ]);
  });

  it("writes thousands of calls in the background, each once", async () => {
    const owner = newId();
    const list = new CallList({
      database: ground().database,
      logger: silentLogger,
      onDropped: () => undefined,
    });
    const calls = Array.from({ length: 2_345 }, () => callOf(owner));
    for (const call of [...calls, ...calls.slice(0, 50)]) list.add(call);

    await list.stop();

    const [sums] = await sumCalls(ground().database.queryable, { ...always, owners: [owner] }, []);
    expect(sums).toMatchObject({ calls: 2_345, input_tokens: 234_500, cost: 3.5175 });
  });

  it("leaves out and counts what is more than may wait, without waiting or growing", async () => {
    const owner = newId();
    let dropped = 0;
    const list = new CallList({
      database: ground().database,
      logger: silentLogger,
      maxWaiting: 10,
      onDropped: (count) => (dropped += count),
    });
    for (let nth = 0; nth < 25; nth++) list.add(callOf(owner));
    await list.stop();
    list.add(callOf(owner));

    expect(dropped).toBe(16);
    expect(await listOf(owner)).toHaveLength(10);
  });

  it("keeps calls while the database can't take them, and lists them later", async () => {
    const owner = newId();
    const away = Object.assign(new Error("gone"), { code: "ECONNREFUSED" });
    const { database } = ground();
    let isAway = true;
    const broken = {
      ...database,
      get queryable() {
        if (isAway) throw away;
        return database.queryable;
      },
    };
    const list = new CallList({ database: broken, logger: silentLogger, onDropped: () => undefined });
    list.add(callOf(owner));
    await list.flush();
    isAway = false;

    await list.stop();

    expect(await listOf(owner)).toHaveLength(1);
  });

  it("drops a batch that the database will never take, and goes on", async () => {
    const owner = newId();
    let dropped = 0;
    const { database } = ground();
    const list = new CallList({ database, logger: silentLogger, onDropped: (count) => (dropped += count) });
    list.add(callOf(owner, { kind: "other" as "chat" }));
    await list.flush();
    list.add(callOf(owner));

    await list.stop();

    expect([dropped, (await listOf(owner)).length]).toEqual([1, 1]);
  });

  it("sums by day, model and purpose, of the owners asked for, without what was stored", async () => {
    const [owner, other] = [newId(), newId()];
    const usage = await openUsage(ground());
    const { ledger } = portsOf(usage);
    const day = (text: string) => ({ at: new Date(`${text}T23:59:00Z`) });
    ledger.record(callOf(owner, day("2026-01-01")));
    ledger.record(callOf(owner, { ...day("2026-01-02"), model: "b:y", cost: null }));
    ledger.record(callOf(owner, { ...day("2026-01-02"), outcome: "cached", purpose: "test.other" }));
    ledger.record(callOf(owner, { ...day("2026-01-02"), outcome: "failed", cost: 0 }));
    ledger.record(callOf(other, day("2026-01-02")));
    await usage.stop();
    const filter = { ...always, owners: [owner, null] };
    const { queryable } = ground().database;

    expect(await sumCalls(queryable, filter, ["day"])).toMatchObject([
      {
        day: "2026-01-02",
        model: null,
        calls: 3,
        answered: 1,
        saved: 1,
        failed: 1,
        input_tokens: 200,
        unpriced: 1,
      },
      { day: "2026-01-01", calls: 1, output_tokens: 20, cost: 0.0015, unpriced: 0 },
    ]);
    expect(
      (await sumCalls(queryable, filter, ["model", "purpose"])).map((row) => [
        row.model,
        row.purpose,
        row.calls,
      ]),
    ).toEqual([
      ["openai:x", "test.ask", 2],
      ["b:y", "test.ask", 1],
      ["openai:x", "test.other", 1],
    ]);
    const late = { ...filter, from: new Date("2026-01-02T00:00:00Z"), to: new Date("2026-01-02T00:00:01Z") };
    expect(await sumCalls(queryable, late, [])).toMatchObject([{ calls: 0, cost: 0 }]);
  });

  it("gives calls page by page, newest first, of several owners and by their marks", async () => {
    const [owner, job] = [newId(), newId()];
    const usage = await openUsage(ground());
    const calls = Array.from({ length: 7 }, (_, nth) =>
      callOf(nth % 2 === 0 ? owner : null, {
        at: new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(nth / 2))),
        origin: { owner: nth % 2 === 0 ? owner : null, ...(nth === 4 ? { job } : {}) },
        purpose: owner,
      }),
    );
    calls.forEach((call) => portsOf(usage).ledger.record(call));
    await usage.stop();
    const { queryable } = ground().database;
    const filter = { owners: [owner, null], purpose: owner };
    const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

    const first = await listCalls(queryable, { ...filter, limit: 3 });
    const rest = await listCalls(queryable, { ...filter, limit: 10, before: first.at(-1)!.id });

    const newestFirst = calls
      .toSorted((left, right) => right.at.getTime() - left.at.getTime() || (right.id > left.id ? 1 : -1))
      .map(({ id }) => id);
    expect(idsOf([...first, ...rest])).toEqual(newestFirst);
    expect(idsOf(await listCalls(queryable, { ...filter, job, limit: 10 }))).toEqual([calls[4]!.id]);
    expect(await listCalls(queryable, { ...filter, owners: [newId()], limit: 10 })).toEqual([]);
  });

  it("charges a step of a job once, and no tokens of an answer that was there", async () => {
    const [owner, job] = [newId(), newId()];
    const charge = {
      job,
      owner,
      model: "openai:x",
      usage: { inputTokens: 7, outputTokens: 3 },
      cost: 0.1,
    };
    const { database } = ground();

    await database.transaction(async (transaction) => {
      await recordCharge(transaction, { ...charge, step: "a" });
      await recordCharge(transaction, { ...charge, step: "a", cost: 5 });
      await recordCharge(transaction, { ...charge, step: "b", cost: null });
      await recordCharge(transaction, { ...charge, step: "c", cost: 0, cached: true });
    });

    expect(await sumCharges(database.queryable, { ...always, owners: [owner] })).toEqual({
      steps: 3,
      input_tokens: 14,
      output_tokens: 6,
      cost: 0.1,
      unpriced: 1,
    });
  });

  it("forgets what is older than it is to be kept", async () => {
    const [owner, job] = [newId(), newId()];
    const usage = await openUsage(ground());
    const kept = callOf(owner);
    portsOf(usage).ledger.record(callOf(owner, { at: new Date(Date.now() - 401 * 86_400_000) }));
    portsOf(usage).ledger.record(kept);
    await usage.stop();
    const { database } = ground();
    const charge = { job, owner, model: "m", usage: { inputTokens: 1, outputTokens: 1 }, cost: 1 };
    await recordCharge(database.queryable, { ...charge, step: "old" });
    await recordCharge(database.queryable, { ...charge, step: "new" });
    await sql`UPDATE model_charge SET charged_at = now() - interval '401 days' WHERE job_id = ${job} AND step = 'old'`.execute(
      database.queryable,
    );

    await pruneUsage(database, { olderThanDays: 400, signal: AbortSignal.timeout(30_000) });

    expect((await listOf(owner)).map(({ id }) => id)).toEqual([kept.id]);
    expect(await sumCharges(database.queryable, { ...always, owners: [owner] })).toMatchObject({ steps: 1 });
  });
}
