import type { QueryAccess, Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { Kysely, PostgresDialect, sql } from "kysely";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { setQueueLimit } from "../src/control/queue-settings.ts";
import { claimWithLimits } from "../src/limits/claim-with-limits.ts";
import { enqueue } from "./limits-scene.ts";

const planSchema = z.object({
  "Node Type": z.string(),
  "Index Name": z.string().optional(),
  "Relation Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  get Plans() {
    return z.array(planSchema).default([]);
  },
});
type Plan = z.infer<typeof planSchema>;

/** How the server runs the statements of a claim, with statistics from before the lines were there. */
describe("a claim beside a line of 50,000 jobs, of its queue or another", () => {
  let opened: TestDatabase;
  let pool: Pool;
  let access: QueryAccess;
  const plans: Plan[] = [];

  beforeAll(async () => {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("this test needs PostgreSQL");
    opened = await kind.open();
    pool = new Pool({ connectionString: opened.url, max: 1 });
    pool.on("connect", (client) => {
      client.on("notice", ({ message = "" }) => {
        const json = message.slice(message.indexOf("{"));
        const parsed = z.object({ Plan: planSchema }).safeParse(JSON.parse(json));
        if (parsed.success) plans.push(parsed.data.Plan);
      });
    });
    const queryable: Queryable = new Kysely({ dialect: new PostgresDialect({ pool }) });
    access = { queryable, transaction: (work) => queryable.transaction().execute(work) };
    await sql`ALTER TABLE job DISABLE TRIGGER USER`.execute(queryable);
    // Statistics of a time when half of the jobs ran: by them, reading all jobs is the way to count those.
    await sql`ALTER TABLE job SET (autovacuum_enabled = off)`.execute(queryable);
    await enqueue(queryable, { count: 400, task: "tests.limited", key: "k1" });
    const running = await enqueue(queryable, { count: 400, task: "tests.limited", key: "k1" });
    await sql`
      UPDATE job SET state = 'running', worker_id = id, lease_until = now() WHERE id = ANY(${running}::uuid[])`.execute(
      queryable,
    );
    await sql`ANALYZE`.execute(queryable);
    await sql`DELETE FROM job`.execute(queryable);
    await setQueueLimit(access, "*", { maxRunning: 100, by: "test" });
    await enqueue(queryable, { count: 20_000, task: "tests.other" });
    await enqueue(queryable, { count: 50_000 });
    await enqueue(queryable, { count: 30, queue: "chat" });
    await sql`UPDATE job SET fair = fair + 100000 WHERE queue = 'chat'`.execute(queryable);
    for (let key = 0; key < 40; key++) await enqueue(queryable, { count: 50, key: `k${key}` });
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'rate_limit',
        parked_by = CASE WHEN limit_key IS NULL THEN 'task:tests.limited' ELSE 'key:tests.limited:' || limit_key END
      WHERE task = 'tests.limited'`.execute(queryable);
    await sql`LOAD 'auto_explain'`.execute(queryable);
    await sql`SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;
      SET auto_explain.log_nested_statements = on; SET auto_explain.log_format = json;
      SET auto_explain.log_timing = off; SET client_min_messages = log`.execute(queryable);
  }, 180_000);
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  const nodes = (plan: Plan): Plan[] => [plan, ...plan.Plans.flatMap(nodes)];
  const ofJobs = (): Plan[] =>
    plans
      .flatMap(nodes)
      .filter((node) => node["Relation Name"] === "job" && node["Node Type"] !== "ModifyTable");
  const rowsRead = (node: Plan): number =>
    (node["Actual Rows"] + node["Rows Removed by Filter"]) * node["Actual Loops"];

  it.each([
    ["best", "tests"],
    ["oldest", "tests"],
    ["best", "chat"],
    ["oldest", "chat"],
  ] as const)("reads a few rows of them, in the order of an index (%s of %s)", async (choice, queue) => {
    plans.length = 0;

    const claim = await claimWithLimits(access, {
      queue,
      taskKeys: ["tests.limited@1"],
      limit: 10,
      lookAhead: 10,
      worker: { id: newId(), name: "w" },
      leaseMs: 60_000,
      choice,
      limitsOf: (task) => (task === "tests.limited" ? { concurrency: 1_000, keyConcurrency: 1 } : undefined),
      lines: { after: "" },
    });

    expect(claim.jobs.length).toBeGreaterThan(0);
    const kinds = new Set(ofJobs().map((node) => node["Node Type"]));
    expect([...kinds].filter((kind) => !/^(Index Scan|Index Only Scan)$/.test(kind))).toEqual([]);
    expect(ofJobs().some((node) => node["Index Name"] === "job_parked")).toBe(true);
    const read = ofJobs().filter(
      (node) => node["Index Name"] !== "job_claim" && node["Index Name"] !== "job_claim_oldest",
    );
    expect(read.reduce((sum, node) => sum + rowsRead(node), 0)).toBeLessThan(2_000);
  });
});
