import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { beatStatement } from "../src/worker/beat-statement.ts";

const jobs = process.env.MILLRACE_NIGHTLY === "1" ? 1_000_000 : 250_000;
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

/** Statistics as they are when all workers rest: none of the states is 'running'. */
const pretendNothingRuns = `
  ANALYZE job;
  UPDATE pg_statistic SET stavalues1 = array_in('{queued}', 25, -1), stanumbers1 = '{1}', stakind1 = 1, stadistinct = 1
  WHERE starelid = 'job'::regclass AND staattnum = (
    SELECT attnum FROM pg_attribute WHERE attrelid = 'job'::regclass AND attname = 'state')`;

const planSchema = z.object({
  "Node Type": z.string(),
  "Index Name": z.string().optional(),
  "Relation Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  "Rows Removed by Join Filter": z.number().default(0),
  "Shared Hit Blocks": z.number().default(0),
  "Shared Read Blocks": z.number().default(0),
  get Plans() {
    return z.array(planSchema).default([]);
  },
});
type Plan = z.infer<typeof planSchema>;

const nodes = (plan: Plan): Plan[] => [plan, ...plan.Plans.flatMap(nodes)];

type Held = { readonly id: string; readonly fence: string | null; readonly place: object | null };

/** How the server runs the statements inside of the functions that a claim goes through. */
describe(`a claim from ${jobs} queued jobs of a thousand owners`, () => {
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

  const claim = async (
    oldest: number,
    from?: unknown,
  ): Promise<{
    rows: { id: string; fence: string }[];
    plans: typeof logged;
    taken: Plan[];
    /** The look for more urgent jobs than those that the claim before took. */
    urgent: Plan[];
    /** The looks for where a claim under way ends. */
    beside: Plan[];
    place: unknown;
  }> => {
    logged.length = 0;
    await client.query("SET client_min_messages = log");
    const answer = await client.query<Held>(
      "SELECT * FROM claim_jobs_onward('many', $1, $2, $3, $4, 60000, $5)",
      [["tests.run_many@1"], claimed, oldest, newId(), from],
    );
    await client.query("SET client_min_messages = warning");
    return {
      // A first claim says no fence.
      rows: answer.rows.map(({ id, fence }) => ({ id, fence: fence ?? "1" })),
      plans: logged.filter(({ text }) => text.includes("FOR UPDATE SKIP LOCKED")),
      taken: logged.filter(({ text }) => text.includes("UPDATE job")).flatMap(({ plan }) => nodes(plan)),
      urgent: logged
        .filter(({ text }) => text.includes("priority > from_priority"))
        .flatMap(({ plan }) => nodes(plan)),
      beside: logged.filter(({ text }) => /xmax|OFFSET/.test(text)).flatMap(({ plan }) => nodes(plan)),
      place: answer.rows.find(({ place }) => place !== null)?.place,
    };
  };

  // Before statistics, while they say that nothing is queued, and when they are right.
  it.each([
    ["never analyzed", "SELECT 1", 0],
    ["analyzed", "ANALYZE job", 0],
    ["analyzed, by the oldest", "SELECT 1", claimed],
    ["analyzed, some of them by the oldest", "SELECT 1", 20],
    ["analyzed while nothing was queued", pretendDrained, 0],
    ["analyzed while nothing was queued, by the oldest", "SELECT 1", claimed],
    ["analyzed while nothing was queued, some of them by the oldest", "SELECT 1", 20],
  ])("reads the indexes in order and each row once (%s)", async (_name, prepare, oldest) => {
    await client.query(prepare);

    const { rows, plans } = await claim(oldest);

    expect(rows).toHaveLength(claimed);
    const parts = [
      { index: "job_claim_oldest", count: oldest },
      { index: "job_claim", count: claimed - oldest },
    ].filter(({ count }) => count > 0);
    expect(plans).toHaveLength(parts.length);
    const all = plans.flatMap(({ plan }) => nodes(plan));
    expect(all.map((node) => node["Node Type"]).filter((type) => /Sort|Seq Scan|Bitmap/.test(type))).toEqual(
      [],
    );
    const scans = all.filter((node) => node["Relation Name"] === "job");
    expect(scans.map((node) => [node["Node Type"], node["Index Name"]])).toEqual(
      parts.map(({ index }) => ["Index Scan", index]),
    );
    expect(scans.map((node) => node["Actual Rows"])).toEqual(parts.map(({ count }) => count));
    // The best may be among the oldest: those are seen, and passed over.
    const passed = scans.map((node) => node["Rows Removed by Filter"]);
    expect(passed.every((count) => count <= (oldest === claimed ? 0 : oldest))).toBe(true);
  });

  it("takes the rows by their places, and reads each input once", async () => {
    const { taken } = await claim(0);

    const scans = taken.filter((node) => node["Node Type"].includes("Scan") && "Relation Name" in node);
    expect(scans.map((node) => [node["Node Type"], node["Relation Name"], node["Index Name"]])).toEqual([
      ["Tid Scan", "job", undefined],
      ["Index Scan", "job_payload", "job_payload_pkey"],
    ]);
    expect(scans.map((node) => node["Actual Rows"] * node["Actual Loops"])).toEqual([claimed, claimed]);
  });

  // Of all that runs and ran since the last vacuum there are entries in job_running.
  it.each([
    ["analyzed", "ANALYZE job"],
    ["analyzed while nothing ran", pretendNothingRuns],
  ])("is followed by an end that finds its rows by their ids, in order (%s)", async (_name, prepare) => {
    const { rows } = await claim(0);
    await client.query(prepare);
    const sorted = rows.toSorted((left, right) => (left.id < right.id ? -1 : 1));

    logged.length = 0;
    await client.query("SET client_min_messages = log");
    const ended = await client.query("SELECT * FROM succeed_jobs_briefly($1, $2, $3, $4, $5, 'w')", [
      sorted.map(({ id }) => id),
      sorted.map(({ fence }) => fence),
      sorted.map(() => "{}"),
      sorted.map(() => 7),
      newId(),
    ]);
    await client.query("SET client_min_messages = warning");

    expect(ended.rows).toMatchObject([{ places: sorted.map((_job, nth) => nth + 1).join(",") }]);
    const update = logged.filter(({ text }) => text.includes("UPDATE job"));
    const all = update.flatMap(({ plan }) => nodes(plan));
    const scans = all.filter(
      (node) => node["Relation Name"] === "job" && node["Node Type"] !== "ModifyTable",
    );
    expect(scans.map((node) => [node["Node Type"], node["Index Name"], node["Actual Loops"]])).toEqual([
      ["Index Scan", "job_pkey", 1],
    ]);
    expect(scans.map((node) => node["Actual Rows"] + node["Rows Removed by Filter"])).toEqual([claimed]);
  });

  it("is kept by beats that find its rows by their ids", async () => {
    const { rows } = await claim(0);
    await client.query(pretendNothingRuns);

    logged.length = 0;
    await client.query("SET client_min_messages = log");
    const beaten = await client.query(beatStatement, [
      rows.map(({ id }) => id),
      rows.map(({ fence }) => fence),
      60_000,
    ]);
    await client.query("SET client_min_messages = warning");

    expect(beaten.rows).toHaveLength(claimed);
    const all = logged.flatMap(({ plan }) => nodes(plan));
    const scans = all.filter(
      (node) => node["Relation Name"] === "job" && node["Node Type"] !== "ModifyTable",
    );
    expect(new Set(scans.map((node) => node["Index Name"]))).toEqual(new Set(["job_pkey"]));
    // Nor does it compare each job with each other.
    expect(all.filter((node) => node["Rows Removed by Join Filter"] > 0)).toEqual([]);
  });

  const pages = ({ plans }: { plans: typeof logged }): number =>
    plans.reduce((sum, { plan }) => sum + plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], 0);

  it("costs no more pages for the rows that were claimed before it", async () => {
    await claim(0);
    const early = pages(await claim(0));
    for (let times = 0; times < 100; times++) await claim(0);

    // Each claim leaves 200 dead entries at the head of the index; the next to pass marks them.
    expect(pages(await claim(0))).toBeLessThan(early * 2);
  }, 60_000);

  it.each([
    ["analyzed", "ANALYZE job"],
    ["analyzed while nothing was queued", pretendDrained],
  ])("that goes on looks for more urgent jobs in the index alone (%s)", async (_name, prepare) => {
    await client.query(prepare);
    const { place } = await claim(0);
    const { urgent } = await claim(0, place);

    const scans = urgent.filter((node) => node["Relation Name"] === "job");
    expect(scans.map((node) => [node["Node Type"], node["Index Name"]])).toEqual([
      ["Index Scan", "job_claim"],
    ]);
    expect(scans.map((node) => node["Actual Rows"] + node["Rows Removed by Filter"])).toEqual([0]);
  });

  it("that goes on where the one before ended passes nothing that was claimed", async () => {
    let { place } = await claim(20);
    for (let times = 0; times < 100; times++) ({ place } = await claim(20, place));
    // From there, and so without what it has just taken.
    const fromHead = pages(await claim(20));
    const { rows, plans } = await claim(20, place);
    const onward = pages({ plans });

    expect(rows).toHaveLength(claimed);
    const all = plans.flatMap(({ plan }) => nodes(plan));
    const scans = all.filter((node) => node["Relation Name"] === "job");
    expect(scans.map((node) => [node["Node Type"], node["Index Name"], node["Actual Rows"]])).toEqual([
      ["Index Scan", "job_claim_oldest", 20],
      ["Index Scan", "job_claim", claimed - 20],
    ]);
    expect(all.filter((node) => /Sort|Seq Scan|Bitmap/.test(node["Node Type"]))).toEqual([]);
    // Each row that is locked costs two pages or three, whatever the way to it.
    expect(onward).toBeLessThan(fromHead - 100);
  }, 60_000);

  it("beside another that is under way passes what that has locked by the index alone", async () => {
    const { place } = await claim(0);
    const other = new Client({ connectionString: opened.url });
    await other.connect();
    await other.query("BEGIN");
    const { rows: locked } = await other.query<Held>(
      "SELECT * FROM claim_jobs_onward('many', '{tests.run_many@1}', $1, 0, $2, 60000, $3)",
      [claimed, newId(), place],
    );

    const { rows, plans, beside } = await claim(0, { ...(place as object), beside: claimed });
    await other.query("ROLLBACK");
    await other.end();
    const { rows: after } = await claim(0, place);

    expect(rows).toHaveLength(claimed);
    // What was locked is free again, and nobody has passed it for good.
    expect(after.map(({ id }) => id).toSorted()).toEqual(locked.map(({ id }) => id).toSorted());
    const looks = beside.filter((node) => node["Relation Name"] === "job");
    expect(
      looks.map((node) => [node["Node Type"].replace(" Only", ""), node["Index Name"], node["Actual Rows"]]),
    ).toEqual([
      ["Index Scan", "job_claim", 1],
      ["Index Scan", "job_claim", claimed],
    ]);
    const all = plans.flatMap(({ plan }) => nodes(plan));
    expect([...all, ...beside].filter((node) => /Sort|Seq Scan|Bitmap/.test(node["Node Type"]))).toEqual([]);
    const taken = all.filter((node) => node["Relation Name"] === "job");
    expect(taken.map((node) => [node["Index Name"], node["Actual Rows"]])).toEqual([["job_claim", claimed]]);
  });

  it("beside another that is over takes what comes next", async () => {
    const first = await claim(0);
    const second = await claim(0, first.place);
    const third = await claim(0, { ...(first.place as object), beside: claimed });
    const fourth = await claim(0, { ...(second.place as object), beside: claimed });

    const { rows } = await client.query<{ order: number }>(
      `SELECT nth::int AS order FROM (
         SELECT id, row_number() OVER (ORDER BY priority DESC, fair, run_at, id) AS nth FROM job WHERE id = ANY($1)
       ) AS ordered JOIN unnest($1::uuid[]) WITH ORDINALITY AS given (id, part) USING (id) ORDER BY part`,
      [[first, second, third, fourth].flatMap((claims) => claims.rows.map(({ id }) => id).toSorted())],
    );
    const parts = [0, 1, 2, 3].map((part) => rows.slice(part * claimed, (part + 1) * claimed));
    const starts = parts.map((part) => Math.min(...part.map(({ order }) => order)));
    expect(starts).toEqual([1, claimed + 1, 2 * claimed + 1, 3 * claimed + 1]);
  });

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

  // A plan that avoids what its settings forbid looks so expensive that it would be compiled each time.
  it.each([
    "claim_jobs_onward",
    "succeed_jobs_briefly",
    "enqueue_jobs",
    "next_places",
    "next_jobs",
    "take_jobs",
  ])("never compiles the statements of %s", async (name) => {
    const found = await client.query<{ proconfig: string[] | null }>(
      "SELECT proconfig FROM pg_proc WHERE proname = $1",
      [name],
    );

    expect(found.rows).toHaveLength(1);
    expect(found.rows[0]?.proconfig).toContain("jit=off");
  });
});
