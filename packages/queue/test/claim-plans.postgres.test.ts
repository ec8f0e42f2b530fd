import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const jobs = 1_000_000;
const owners = 1_000;
const claimed = 200;

/** Statistics as they are when a queue was empty for long and then fills: none of the states is 'queued'. */
const pretendDrained = `
  BEGIN; UPDATE job SET state = 'succeeded', finished_at = now(), worker_id = NULL, lease_until = NULL
  WHERE id IN (SELECT id FROM job LIMIT 20000); ANALYZE job;
  UPDATE pg_statistic SET stavalues1 = array_in('{succeeded}', 25, -1), stanumbers1 = '{1}', stakind1 = 1, stadistinct = 1
  WHERE starelid = 'job'::regclass AND staattnum = (
    SELECT attnum FROM pg_attribute WHERE attrelid = 'job'::regclass AND attname = 'state');
  COMMIT`;

const planSchema = z.object({
  "Node Type": z.string(),
  "Index Name": z.string().optional(),
  "Relation Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  "Shared Hit Blocks": z.number().default(0),
  "Shared Read Blocks": z.number().default(0),
  get Plans() {
    return z.array(planSchema).default([]);
  },
});
type Plan = z.infer<typeof planSchema>;

/** How the server runs the statements inside of the functions that a claim goes through. */
describe("a claim from a million queued jobs of a thousand owners", () => {
  let opened: TestDatabase;
  let client: Client;
  const logged: { text: string; plan: Plan }[] = [];

  beforeAll(async () => {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("this test needs PostgreSQL");
    opened = await kind.open();
    client = new Client({ connectionString: opened.url });
    await client.connect();
    await client.query("LOAD 'auto_explain'");
    await client.query(`
      SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on;
      SET auto_explain.log_nested_statements = on; SET auto_explain.log_format = json; SET auto_explain.log_timing = off`);
    client.on("notice", ({ message = "" }) => {
      const json = message.slice(message.indexOf("{"));
      const parsed = z.object({ "Query Text": z.string(), Plan: planSchema }).safeParse(JSON.parse(json));
      if (parsed.success) logged.push({ text: parsed.data["Query Text"], plan: parsed.data.Plan });
    });
    // Without its triggers' counts; what they do is not looked at here.
    await client.query("ALTER TABLE job DISABLE TRIGGER USER");
    await client.query(
      `INSERT INTO job (id, queue, task, owner, stream, state, fair, max_attempts, retries)
       SELECT gen_random_uuid(), 'many', 'tests.run_many', 'o' || n % $2, 'job:x', 'queued', n / $2, 4, 3
       FROM generate_series(0, $1 - 1) AS n`,
      [jobs, owners],
    );
    await client.query("INSERT INTO job_payload (job_id, input) SELECT id, '{}' FROM job");
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await opened.close();
  });

  const claim = async (isOldest: boolean): Promise<{ rows: number; plans: typeof logged }> => {
    logged.length = 0;
    await client.query("SET client_min_messages = log");
    const answer = await client.query("SELECT * FROM claim_jobs('many', $1, $2, $3, $4, 60000)", [
      ["tests.run_many@1"],
      claimed,
      isOldest,
      newId(),
    ]);
    await client.query("SET client_min_messages = warning");
    return {
      rows: answer.rows.length,
      plans: logged.filter(({ text }) => text.includes("FOR UPDATE SKIP LOCKED")),
    };
  };

  const nodes = (plan: Plan): Plan[] => [plan, ...plan.Plans.flatMap(nodes)];

  // Before statistics, while they say that nothing is queued, and when they are right.
  it.each([
    ["never analyzed", "SELECT 1", false],
    ["analyzed", "ANALYZE job", false],
    ["analyzed, by the oldest", "SELECT 1", true],
    ["analyzed while nothing was queued", pretendDrained, false],
    ["analyzed while nothing was queued, by the oldest", "SELECT 1", true],
  ])("reads the index in order and each row once (%s)", async (_name, prepare, isOldest) => {
    await client.query(prepare);

    const { rows, plans } = await claim(isOldest);

    expect(rows).toBe(claimed);
    expect(plans).toHaveLength(1);
    const all = plans.flatMap(({ plan }) => nodes(plan));
    expect(all.map((node) => node["Node Type"]).filter((type) => /Sort|Seq Scan|Bitmap/.test(type))).toEqual(
      [],
    );
    const scans = all.filter((node) => node["Relation Name"] === "job");
    expect(scans.map((node) => [node["Node Type"], node["Index Name"]])).toEqual([
      ["Index Scan", isOldest ? "job_claim_oldest" : "job_claim"],
    ]);
    expect(scans.map((node) => node["Actual Rows"] + node["Rows Removed by Filter"])).toEqual([claimed]);
  });

  it("costs no more pages for the rows that were claimed before it", async () => {
    const pages = async (): Promise<number> => {
      const { plans } = await claim(false);
      const plan = plans[0]?.plan;
      return (plan?.["Shared Hit Blocks"] ?? 0) + (plan?.["Shared Read Blocks"] ?? 0);
    };
    await claim(false);
    const early = await pages();
    for (let times = 0; times < 100; times++) await claim(false);

    // Each claim leaves 200 dead entries at the head of the index; the next to pass marks them.
    expect(await pages()).toBeLessThan(early * 2);
  }, 60_000);

  it("finds the place of the next job of an owner without reading the line", async () => {
    logged.length = 0;
    await client.query("SET client_min_messages = log");
    await client.query("SELECT * FROM next_places('{many}', '{5}', '{o17}')");
    await client.query("SET client_min_messages = warning");

    const all = logged
      .filter(({ text }) => text.includes("unnest(queues"))
      .flatMap(({ plan }) => nodes(plan));
    const scans = all.filter((node) => node["Relation Name"] === "job");
    expect(scans.map((node) => node["Node Type"].replace(" Only", ""))).toEqual(["Index Scan", "Index Scan"]);
    expect(all.filter((node) => /Sort|Seq Scan|Bitmap/.test(node["Node Type"]))).toEqual([]);
    expect(scans.map((node) => node["Actual Rows"] + node["Rows Removed by Filter"])).toEqual([1, 1]);
  });
});
