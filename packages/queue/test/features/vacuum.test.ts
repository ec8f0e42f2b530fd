import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.ts";
import { vacuumEmbedded } from "../../src/retention/vacuum-embedded.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({ name: "tests.fill_table", queue: "tests", input: z.null(), output: z.null() });
const databases = testDatabases();

describe.each(databases.filter(({ name }) => name === "embedded"))("the $name database", (kind) => {
  const opened = useQueue(kind);

  const deadRows = async (): Promise<number> => {
    const found = await sql<{ dead: number }>`
      SELECT n_dead_tup::integer AS dead FROM pg_stat_user_tables WHERE relname = 'job'`.execute(
      opened.database.queryable,
    );
    return found.rows[0]?.dead ?? 0;
  };

  const churn = async (): Promise<void> => {
    const queue = opened.createQueue([]);
    const request = { task, input: null };
    await queue.addMany(Array.from({ length: 1000 }, () => request));
    for (let times = 0; times < 3; times++) {
      await sql`UPDATE job SET crash_count = crash_count + 1`.execute(opened.database.queryable);
    }
    // Its figures are those of a moment ago, unless it is asked for new ones.
    await sql`SELECT pg_stat_force_next_flush()`.execute(opened.database.queryable);
  };

  it("is freed of the rows that updates left, without losing any", async () => {
    await churn();
    expect(await deadRows()).toBeGreaterThan(2000);

    expect(await vacuumEmbedded(opened.database)).toBeGreaterThan(0);

    expect(await deadRows()).toBeLessThan(100);
    const kept = await sql<{ count: number }>`SELECT count(*)::integer AS count FROM job`.execute(
      opened.database.queryable,
    );
    expect(kept.rows).toEqual([{ count: 1000 }]);
  });

  it("is left alone when little has changed", async () => {
    await churn();
    await vacuumEmbedded(opened.database);

    expect(await vacuumEmbedded(opened.database)).toBe(0);
  });

  it("is left alone once the upkeep was told to stop", async () => {
    await churn();

    expect(await vacuumEmbedded(opened.database, AbortSignal.abort())).toBe(0);
  });
});

describe.each(databases.filter(({ name }) => name === "postgres"))("$name", (kind) => {
  const opened = useQueue(kind);

  it("is left to its own autovacuum", async () => {
    const queue = opened.createQueue([]);
    await queue.addMany(Array.from({ length: 2000 }, () => ({ task, input: null })));
    await sql`UPDATE job SET crash_count = crash_count + 1`.execute(opened.database.queryable);

    expect(await vacuumEmbedded(opened.database)).toBe(0);
  });
});
