import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";

type Row = { readonly id: string; readonly state: string; readonly fence: string };

let opened: TestDatabase;
let claimer: Client;
let changer: Client;
let observer: Client;
let claimerId: number;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
  [claimer, changer, observer] = [opened, opened, opened].map(
    ({ url }) => new Client({ connectionString: url }),
  ) as [Client, Client, Client];
  await Promise.all([claimer.connect(), changer.connect(), observer.connect()]);
  const asked = await claimer.query<{ id: number }>("SELECT pg_backend_pid() AS id");
  claimerId = asked.rows[0]?.id ?? 0;
});
afterAll(async () => {
  await Promise.all([claimer.end(), changer.end(), observer.end()]);
  await opened.close();
});

const idOf = (name: string) => `${name.repeat(8)}-0000-7000-8000-000000000000`;

async function claim(): Promise<string[]> {
  const claimed = await claimer.query<Row>(
    "SELECT * FROM claim_jobs_onward('moves', '{tests.run@1}', 10, 0, $1, 60000, NULL)",
    [newId()],
  );
  return claimed.rows.map(({ id }) => id).toSorted();
}

async function untilClaimerWaits(): Promise<void> {
  for (;;) {
    const found = await observer.query<{ waits: boolean }>(
      "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted) AS waits",
      [claimerId],
    );
    if (found.rows[0]?.waits === true) return;
  }
}

it("a claim takes rows that somebody changed after its snapshot as they are now, or leaves them", async () => {
  const jobs = ["1", "2", "3", "4", "5"].map(idOf);
  // The plan is kept from now on: planning would wait for the index before there is a snapshot.
  await claim();
  await observer.query(
    `INSERT INTO job (id, queue, task, stream, state, max_attempts, retries)
     SELECT id, 'moves', 'tests.run', 'job:' || id, 'queued', 4, 3 FROM unnest($1::uuid[]) AS id`,
    [jobs],
  );
  await observer.query("INSERT INTO job_payload (job_id, input) SELECT id, '{}' FROM job");

  // Holds the index: the claim has its snapshot when it comes to it.
  await changer.query("BEGIN; REINDEX INDEX job_claim");
  const claiming = claim();
  await untilClaimerWaits();
  const change = async (name: string, assignments: string) =>
    await changer.query(`UPDATE job SET ${assignments} WHERE id = '${idOf(name)}'`);
  await change("1", "priority = 7");
  await change("2", "state = 'cancelled', finished_at = now()");
  await change("3", "queue = 'other'");
  await change("4", "run_at = now() + interval '1 hour'");
  await changer.query("COMMIT");

  expect(await claiming).toEqual([idOf("1"), idOf("5")]);
  const rows = await observer.query<Row>("SELECT id, state, fence FROM job ORDER BY id");
  expect(rows.rows.map(({ state, fence }) => `${state} ${fence}`)).toEqual([
    "running 1",
    "cancelled 0",
    "queued 0",
    "queued 0",
    "running 1",
  ]);
  expect(await claim()).toEqual([]);
});
