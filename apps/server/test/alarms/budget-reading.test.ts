import type { Database } from "@millrace/database";
import { recordLook } from "@millrace/queue";
import { setBudget } from "@millrace/usage";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { budgetReading } from "../../src/alarms/budget-reading.ts";
import { readSettings } from "../../src/settings.ts";

const none = { day_dollars: null, month_dollars: null, day_tokens: null, month_tokens: null };

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

describe("alarms for budgets", () => {
  const reading = budgetReading(readSettings({ BUDGET_WARN_PERCENT: "50" }));
  // What it asks of the thresholds of queues is nothing.
  const find = async () => await reading.find(database, {} as Parameters<typeof reading.find>[1]);
  const spend = (scope: string, tokens: number) =>
    sql`UPDATE model_budget_use SET day_tokens = ${tokens}::bigint WHERE scope = ${scope}`.execute(
      database.queryable,
    );

  it("say what is nearly used up, and what refuses calls, and nothing of what is well", async () => {
    for (const scope of ["*", "near", "well"]) {
      await setBudget(database, scope, { ...none, day_tokens: 100 }, { by: "test" });
    }
    await spend("*", 100);
    await spend("near", 50);
    await spend("well", 49);

    expect(await find()).toMatchObject([
      { kind: "budget_exceeded", subject: "installation", details: { measure: "day_tokens", percent: 100 } },
      { kind: "budget_near", subject: "near", details: { percent: 50, threshold: 50 } },
    ]);
  });

  it("are raised like any other", async () => {
    await setBudget(database, "*", { ...none, month_dollars: 0 }, { by: "test" });
    await sql`UPDATE alarm_look SET number = 1`.execute(database.queryable);
    const scope = { kinds: reading.kinds, turn: 1 };
    const rules = { everyMs: 10_000, afterLooks: 1, tells: false };

    const { raised } = await recordLook(database, scope, await find(), rules);

    expect(raised.map(({ kind, severity }) => [kind, severity])).toContainEqual([
      "budget_exceeded",
      "critical",
    ]);
  });
});
