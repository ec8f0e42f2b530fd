import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "@millrace/database";
import { createFileStore } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { localAccess, newId } from "@millrace/kernel";
import { runInline } from "@millrace/queue";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUpkeepHandlers } from "../../src/upkeep/upkeep-handlers.ts";
import { upkeepSchedules } from "../../src/upkeep/upkeep-schedules.ts";

let database: Database;
let folder: string;
let files: FileStore;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-upkeep-"));
  files = createFileStore({ directory: folder });
  await files.start();
});
afterEach(async () => {
  for (const table of ["job", "job_payload", "job_log", "document", "job_count", "job_count_change"]) {
    await sql`DELETE FROM ${sql.table(table)}`.execute(database.queryable);
  }
  await sql`DELETE FROM job_count_change`.execute(database.queryable);
  await files.stop();
  await rm(folder, { recursive: true });
});

/** What a task gave for its input, as a job would. */
async function run(task: string, input: unknown = {}) {
  const handler = createUpkeepHandlers({ database, files, folder }).find((one) => one.task.name === task);
  if (handler === undefined) throw new Error(`no task ${task}`);
  const { output } = await runInline(handler, input);
  return output;
}

/** A job that has ended so many days ago and may be deleted in so many. */
async function writeJob(state: string, ended: { daysAgo: number; purgeInDays: number }): Promise<string> {
  const id = newId();
  await sql`
    INSERT INTO job (id, queue, task, stream, state, max_attempts, retries, finished_at, purge_at)
    VALUES (${id}, 'tests', 'tests.any', ${`job:${id}`}, ${state}, 1, 0,
            now() - ${ended.daysAgo}::double precision * interval '1 day',
            now() + ${ended.purgeInDays}::double precision * interval '1 day')`.execute(database.queryable);
  await sql`INSERT INTO job_payload (job_id, input) VALUES (${id}, '{}')`.execute(database.queryable);
  return id;
}

async function writeDocument(changes: { key?: string; status?: string; jobId?: string }): Promise<string> {
  const id = newId();
  await sql`
    INSERT INTO document (id, workspace_id, person_id, title, file_size, content_hash, file_key, status, job_id, updated_at)
    VALUES (${id}, ${localAccess.workspaceId}, ${localAccess.personId}, 'x', 1, 'x', ${changes.key ?? null},
            ${changes.status ?? "completed"}, ${changes.jobId ?? null}, now() - interval '2 hours')`.execute(
    database.queryable,
  );
  return id;
}

async function storeFile(): Promise<string> {
  const { key } = await files.write(
    (async function* bytes() {
      yield Buffer.from("hello");
    })(),
    { maxBytes: 100 },
  );
  return key;
}

async function jobIds(): Promise<string[]> {
  const found = await sql<{ id: string }>`SELECT id FROM job ORDER BY id`.execute(database.queryable);
  return found.rows.map((row) => row.id);
}

describe("upkeep.clean_failed_jobs", () => {
  it("deletes failed jobs whose time has passed, with what belongs to them, and no others", async () => {
    await writeJob("failed", { daysAgo: 31, purgeInDays: -1 });
    const fresh = await writeJob("failed", { daysAgo: 20, purgeInDays: 10 });
    const other = await writeJob("cancelled", { daysAgo: 31, purgeInDays: -1 });

    expect(await run("upkeep.clean_failed_jobs")).toEqual({ deleted: 1 });

    expect(await jobIds()).toEqual([fresh, other].toSorted());
    const left = await sql`SELECT FROM job_payload`.execute(database.queryable);
    expect(left.rows).toHaveLength(2);
  });

  it("deletes those that failed longer ago than somebody wants them", async () => {
    await writeJob("failed", { daysAgo: 3, purgeInDays: 27 });
    const fresh = await writeJob("failed", { daysAgo: 1, purgeInDays: 29 });

    expect(await run("upkeep.clean_failed_jobs", { older_than_days: 2 })).toEqual({ deleted: 1 });
    expect(await jobIds()).toEqual([fresh]);
  });
});

it("upkeep.clean_job_logs deletes old lines", async () => {
  const job = await writeJob("succeeded", { daysAgo: 1, purgeInDays: 6 });
  for (const days of [1, 6, 8]) {
    await sql`
      INSERT INTO job_log (id, job_id, level, message, created_at)
      VALUES (${newId()}, ${job}, 'info', 'x', now() - ${days}::double precision * interval '1 day')`.execute(
      database.queryable,
    );
  }

  expect(await run("upkeep.clean_job_logs", { older_than_days: 7 })).toEqual({ deleted: 1 });
});

it("upkeep.clean_usage deletes old model calls", async () => {
  for (const days of [1, 399, 401]) {
    await sql`
      INSERT INTO model_call (id, called_at, owner, purpose, kind, model, outcome, latency_ms)
      VALUES (${newId()}, now() - ${days}::double precision * interval '1 day', '', 'a', 'chat', 'm', 'answered', 1)`.execute(
      database.queryable,
    );
  }

  expect(await run("upkeep.clean_usage", { older_than_days: 400 })).toEqual({ deleted: 1 });
});

describe("upkeep.remove_orphans", () => {
  const makeOld = async (key: string) => utimes(await files.locate(key), new Date(0), new Date(0));

  it("deletes files that no document knows, and keeps those of documents", async () => {
    const [known, orphan] = [await storeFile(), await storeFile()];
    for (const key of [known, orphan]) await makeOld(key);
    await writeDocument({ key: known });

    expect(await run("upkeep.remove_orphans")).toEqual({ files: 1, answers: 0, owns_files: true });

    await expect(files.read(known)).resolves.toBeDefined();
    await expect(files.read(orphan)).rejects.toThrow();
  });

  it("keeps a file that waits for the last of a long upload", async () => {
    const waiting = await storeFile();
    const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(await files.locate(waiting), twoHoursAgo, twoHoursAgo);

    expect(await run("upkeep.remove_orphans")).toMatchObject({ files: 0 });
    expect(await files.has(waiting)).toBe(true);
  });

  it("keeps all files of a folder that another database used first", async () => {
    await using other = {
      database: await openTestDatabase(),
      [Symbol.asyncDispose]: () => other.database.close(),
    };
    const handlers = createUpkeepHandlers({ database: other.database, files, folder });
    const orphans = handlers.find(({ task }) => task.name === "upkeep.remove_orphans");
    if (orphans === undefined) throw new Error("no such task");
    await runInline(orphans, {});
    await makeOld(await storeFile());

    expect(await run("upkeep.remove_orphans")).toEqual({ files: 0, answers: 0, owns_files: false });
  });
});

it("upkeep.tend_database tells how large the tables are", async () => {
  const output = await run("upkeep.tend_database");

  expect(output).toMatchObject({
    bytes: expect.any(Number),
    oldest_snapshot_seconds: 0,
    tables: expect.arrayContaining([expect.objectContaining({ name: "job", bytes: expect.any(Number) })]),
  });
});

describe("upkeep.check_integrity", () => {
  it("finds nothing where all is well", async () => {
    const job = await writeJob("succeeded", { daysAgo: 1, purgeInDays: 6 });
    await writeDocument({ key: await storeFile(), jobId: job });

    expect(await run("upkeep.check_integrity")).toEqual({ checks: expect.any(Number), problems: [] });
  });

  it("names what does not agree, and how often", async () => {
    const job = await writeJob("succeeded", { daysAgo: 1, purgeInDays: 6 });
    const gone = "ab/0190aaaa-0000-7000-8000-000000000001";
    const withoutFile = await writeDocument({ key: gone });
    const stuck = await writeDocument({ status: "processing", jobId: job });
    await sql`DELETE FROM job_payload`.execute(database.queryable);
    await sql`INSERT INTO job_count_change VALUES ('tests', 'queued', 3)`.execute(database.queryable);
    await sql`INSERT INTO job_progress (job_id) VALUES (${stuck})`.execute(database.queryable);

    const output = await run("upkeep.check_integrity");

    expect(output).toMatchObject({
      problems: [
        { check: "a job has no input", count: 1, examples: [job] },
        {
          check: "the count of a queue differs from its jobs",
          count: 1,
          examples: ["tests queued: 3 instead of 0"],
        },
        { check: "a row of job_progress belongs to no job", count: 1, examples: [stuck] },
        { check: "the file of a document is missing", count: 1, examples: [withoutFile] },
        { check: "a document waits for a job that is not there or has ended", count: 1, examples: [stuck] },
      ],
    });
    await sql`DELETE FROM job_progress`.execute(database.queryable);
  });
});

it("every task of the upkeep has its schedule", async () => {
  const scheduled = upkeepSchedules({ CREW_RUN_DAYS: 90, JOB_LOG_DAYS: 7 }).map(({ task }) => task);
  const tasks = createUpkeepHandlers({ database, files, folder }).map(({ task }) => task.name);

  expect(scheduled.toSorted()).toEqual(tasks.toSorted());
  expect(await readdir(folder)).toContain("files");
});
