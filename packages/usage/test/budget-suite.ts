import { errorCode, newId, putOffSeconds } from "@millrace/kernel";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { listBudgets, pruneUsage, removeBudget, setBudget, stateOf } from "../src/index.ts";
import { callOf, openUsage, portsOf, settingsOf } from "./scene.ts";
import type { Ground } from "./scene.ts";

const none = { day_dollars: null, month_dollars: null, day_tokens: null, month_tokens: null };
const wantedBy = (owner: string | null, cost: number | null, tokens: number | null = null) => ({
  origin: { owner },
  purpose: "test.ask",
  model: "openai:x",
  cost,
  tokens,
});

export function budgetSuite(ground: () => Ground): void {
  const useOf = async (owner: string) => {
    const [, budget] = await listBudgets(
      ground().database.queryable,
      settingsOf({ BUDGET_DAY_DOLLARS: "1000000", BUDGET_OWNER_DAY_DOLLARS: "1000000" }),
      [owner],
    );
    return budget;
  };

  it("lets exactly as many of 200 calls at once through as there is money for", async () => {
    const owner = newId();
    const processes = [
      await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }),
      await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }),
    ];

    const asked = await Promise.allSettled(
      Array.from({ length: 200 }, (_, nth) =>
        portsOf(processes[nth % 2]!).ledger.reserve(wantedBy(owner, 0.1)),
      ),
    );

    const refused = asked.filter((end) => end.status === "rejected");
    expect(asked.length - refused.length).toBe(10);
    expect(new Set(refused.map(({ reason }) => errorCode(reason)))).toEqual(new Set(["budget_exceeded"]));
  });

  it("says how long the period lasts, and that the work may be tried again", async () => {
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_TOKENS: "100" }));

    const refusal = ledger.reserve(wantedBy(newId(), 0.1, 101));

    await expect(refusal).rejects.toMatchObject({
      code: "budget_exceeded",
      kind: "limited",
      retryable: true,
      details: { measure: "day_tokens", allowed: 100, used: 0, wanted: 101 },
    });
    const error = (await refusal.catch((thrown: unknown) => thrown)) as { retryAfterSeconds: number };
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    expect(error.retryAfterSeconds).toBeLessThanOrEqual(86_400);
    // A budget that was raised is noticed within a quarter of an hour.
    expect(putOffSeconds(error)).toBe(Math.min(900, error.retryAfterSeconds));
  });

  it("counts what was spent in place of what was set aside, and settles once", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_MONTH_DOLLARS: "1" }));
    const reservation = await ledger.reserve(wantedBy(owner, 0.9, 1_000));
    await expect(ledger.reserve(wantedBy(owner, 0.2))).rejects.toMatchObject({ code: "budget_exceeded" });

    await reservation.settle(0.25, 300);
    await reservation.settle(0.25, 300);

    await (await ledger.reserve(wantedBy(owner, 0.75))).settle(0);
    expect(await useOf(owner)).toMatchObject({
      used: { day_dollars: 0.25, month_dollars: 0.25, day_tokens: 300, month_tokens: 300 },
      reserved: { dollars: 0, tokens: 0 },
    });
  });

  it("takes an unknown cost for what was set aside", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }));

    await (await ledger.reserve(wantedBy(owner, 0.4))).settle(null);

    expect(await useOf(owner)).toMatchObject({ used: { day_dollars: 0.4 }, reserved: { dollars: 0 } });
  });

  it("lets a call without a known price go on only while something is left, and a free one always", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "0.5" }));
    await ledger.reserve(wantedBy(owner, null));
    await ledger.reserve(wantedBy(owner, 0.5));

    await expect(ledger.reserve(wantedBy(owner, null))).rejects.toMatchObject({ code: "budget_exceeded" });
    await ledger.reserve(wantedBy(owner, 0));
  });

  it("gives back what a process had set aside that is not heard of any more", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }));
    await ledger.reserve(wantedBy(owner, 1));
    await expect(ledger.reserve(wantedBy(owner, 1))).rejects.toMatchObject({ code: "budget_exceeded" });

    await sql`UPDATE model_reservation SET expires_at = now() - interval '1 ms' WHERE scope = ${owner}`.execute(
      ground().database.queryable,
    );

    await ledger.reserve(wantedBy(owner, 1));
    await expect(ledger.reserve(wantedBy(owner, 1))).rejects.toMatchObject({ code: "budget_exceeded" });
  });

  it("holds the installation's budget over all owners, and takes nothing of an owner's for a call that it refuses", async () => {
    const [first, second] = [newId(), newId()];
    await sql`DELETE FROM model_reservation WHERE scope = '*'`.execute(ground().database.queryable);
    await sql`DELETE FROM model_budget_use WHERE scope = '*'`.execute(ground().database.queryable);
    await sql`DELETE FROM model_call`.execute(ground().database.queryable);
    const limits = { BUDGET_DAY_DOLLARS: "1", BUDGET_OWNER_DAY_DOLLARS: "0.8" };
    const { ledger } = portsOf(await openUsage(ground(), limits));
    const own = await ledger.reserve(wantedBy(first, 0.7));

    await expect(ledger.reserve(wantedBy(second, 0.4))).rejects.toMatchObject({ details: { scope: "*" } });
    await expect(ledger.reserve(wantedBy(null, 0.4))).rejects.toMatchObject({ details: { scope: "*" } });
    await own.settle(0);
    await ledger.reserve(wantedBy(second, 0.8));
  });

  it("begins anew with the day, and with the month", async () => {
    const owner = newId();
    const limits = { BUDGET_OWNER_DAY_DOLLARS: "1", BUDGET_OWNER_MONTH_DOLLARS: "3" };
    const { ledger } = portsOf(await openUsage(ground(), limits));
    await (await ledger.reserve(wantedBy(owner, 1))).settle(1);
    const move = (day: string, month: string) =>
      sql`UPDATE model_budget_use SET day = ${day}::date, month = ${month}::date, month_dollars = 3
        WHERE scope = ${owner}`.execute(ground().database.queryable);
    const today = new Date().toISOString().slice(0, 10);

    await move("2020-01-31", `${today.slice(0, 7)}-01`);
    await expect(ledger.reserve(wantedBy(owner, 1))).rejects.toMatchObject({
      details: { measure: "month_dollars" },
    });
    await move("2020-01-31", "2020-01-01");
    await ledger.reserve(wantedBy(owner, 1));
  });

  it("counts what was called before there was a budget, and nothing that was stored or of another owner", async () => {
    const owner = newId();
    const usage = await openUsage(ground());
    const { ledger } = portsOf(usage);
    ledger.record(callOf(owner, { cost: 0.6, tokens: { input: 50, output: 7, cachedInput: null } }));
    ledger.record(callOf(owner, { cost: 0.6, outcome: "cached" }));
    ledger.record(callOf(newId(), { cost: 0.6 }));
    await usage.stop();

    await setBudget(ground().database, owner, { ...none, day_dollars: 1 }, { by: "test" });

    expect(await useOf(owner)).toMatchObject({
      used: { day_dollars: 0.6, month_tokens: 57 },
      changedBy: "test",
    });
    const other = portsOf(await openUsage(ground())).ledger;
    await expect(other.reserve(wantedBy(owner, 0.5))).rejects.toMatchObject({ code: "budget_exceeded" });
  });

  it("puts what people set in place of the settings, until it is removed", async () => {
    const owner = newId();
    const limits = { BUDGET_OWNER_DAY_DOLLARS: "1" };
    await setBudget(ground().database, owner, { ...none, month_tokens: 10 }, { by: "test" });
    const before = portsOf(await openUsage(ground(), limits)).ledger;
    await before.reserve(wantedBy(owner, 50, 10));

    await removeBudget(ground().database, owner);

    const after = portsOf(await openUsage(ground(), limits)).ledger;
    await expect(after.reserve(wantedBy(owner, 50, 10))).rejects.toMatchObject({
      details: { measure: "day_dollars" },
    });
    await expect(removeBudget(ground().database, owner)).rejects.toMatchObject({ code: "budget_not_found" });
  });

  it("counts what was called while it did not hold", async () => {
    const owner = newId();
    const limits = { BUDGET_OWNER_MONTH_DOLLARS: "1" };
    const spend = async (environment: Record<string, string>, cost: number) => {
      const usage = await openUsage(ground(), environment);
      const { ledger } = portsOf(usage);
      await (await ledger.reserve(wantedBy(owner, cost))).settle(cost);
      ledger.record(callOf(owner, { cost }));
      await usage.stop();
    };
    await spend(limits, 0.2);
    await spend({}, 0.7);

    await expect(spend(limits, 0.5)).rejects.toMatchObject({ code: "budget_exceeded" });
  });

  it("counts anew once those are gone that people had set", async () => {
    const owner = newId();
    await setBudget(ground().database, owner, { ...none, day_tokens: 1e6 }, { by: "test" });
    const usage = await openUsage(ground());
    portsOf(usage).ledger.record(callOf(owner, { cost: 0.9 }));
    await usage.stop();

    await removeBudget(ground().database, owner);

    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_MONTH_DOLLARS: "1" }));
    await expect(ledger.reserve(wantedBy(owner, 0.5))).rejects.toMatchObject({ code: "budget_exceeded" });
  });

  it("asks the database once for many calls without a budget", async () => {
    let asked = 0;
    const { database } = ground();
    const counted = {
      ...database,
      get queryable() {
        asked += 1;
        return database.queryable;
      },
    };
    const { ledger } = portsOf(await openUsage({ database: counted }));

    for (let nth = 0; nth < 20; nth++) await (await ledger.reserve(wantedBy(newId(), 1))).settle(1);

    expect(asked).toBe(1);
  });

  it("says when it is nearly used up, and when it refuses calls though something is left", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }));
    const state = async () => {
      const settings = settingsOf({ BUDGET_OWNER_DAY_DOLLARS: "1" });
      const budgets = await listBudgets(ground().database.queryable, settings, [owner]);
      return budgets.map((budget) => stateOf(budget, 80));
    };
    await ledger.reserve(wantedBy(owner, 0.7));
    expect(await state()).toEqual(["ok"]);

    await ledger.reserve(wantedBy(owner, 0.1));
    expect(await state()).toEqual(["near"]);

    await ledger.reserve(wantedBy(owner, 0.3)).catch(() => undefined);
    expect(await state()).toEqual(["exceeded"]);
  });

  it("tidies up what was set aside by the dead", async () => {
    const owner = newId();
    const { ledger } = portsOf(await openUsage(ground(), { BUDGET_OWNER_DAY_DOLLARS: "1" }));
    await ledger.reserve(wantedBy(owner, 1));
    await sql`UPDATE model_reservation SET expires_at = now() - interval '1 ms' WHERE scope = ${owner}`.execute(
      ground().database.queryable,
    );

    await pruneUsage(ground().database, { olderThanDays: 400, signal: AbortSignal.timeout(30_000) });

    expect(await useOf(owner)).toMatchObject({ reserved: { dollars: 0 } });
  });
}
