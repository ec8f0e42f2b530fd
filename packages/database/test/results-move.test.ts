import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { CompiledQuery, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMigrations } from "../src/migrations/read-migrations.ts";

const ids = {
  succeeded: "00000000-0000-7000-8000-000000000001",
  retried: "00000000-0000-7000-8000-000000000002",
  unrecorded: "00000000-0000-7000-8000-000000000003",
  failed: "00000000-0000-7000-8000-000000000004",
  cancelled: "00000000-0000-7000-8000-000000000005",
  queued: "00000000-0000-7000-8000-000000000006",
};

/** Jobs as the version before left them: `unrecorded` is a success whose attempt has no record. */
const before = sql`
  WITH jobs AS (
    INSERT INTO job (id, queue, task, stream, state, attempt, max_attempts, retries, fence, finished_at)
    SELECT id::uuid, 'main', 'tests.run', 'job:' || id, state, fence, 4, 3, fence, CASE WHEN state <> 'queued' THEN now() END
    FROM (VALUES (${ids.succeeded}, 'succeeded', 1), (${ids.retried}, 'succeeded', 2), (${ids.unrecorded}, 'succeeded', 1),
                 (${ids.failed}, 'failed', 1), (${ids.cancelled}, 'cancelled', 0), (${ids.queued}, 'queued', 0))
      AS given (id, state, fence)
  ), attempts AS (
    INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, finished_at, outcome)
    SELECT id::uuid, fence, fence, id::uuid, 'w', now(), outcome
    FROM (VALUES (${ids.succeeded}, 1, 'succeeded'), (${ids.retried}, 1, 'failed'), (${ids.retried}, 2, 'succeeded'),
                 (${ids.failed}, 1, 'failed')) AS given (id, fence, outcome)
  )
  INSERT INTO job_result (job_id, output, error_code, error_message)
  SELECT id::uuid, output::jsonb, code, code || '!'
  FROM (VALUES (${ids.succeeded}, '{"nth": 1}', NULL), (${ids.retried}, '[2]', NULL), (${ids.unrecorded}, 'null', NULL),
               (${ids.failed}, NULL, 'no_text'), (${ids.cancelled}, NULL, NULL)) AS given (id, output, code)`;

describe.each(testDatabases())("the results of jobs that ended before migration 6, on $name", (kind) => {
  let opened: TestDatabase;

  beforeAll(async () => {
    opened = await kind.open({ isMigrated: false });
    const migrations = await readMigrations();
    const apply = (from: number, to: number) =>
      opened.database.transaction(async (transaction) => {
        for (const migration of migrations.slice(from, to)) {
          await transaction.executeQuery(CompiledQuery.raw(migration.sql));
        }
      });
    await apply(0, 5);
    await before.execute(opened.database.queryable);
    await apply(5, 6);
  });
  afterAll(() => opened.close());

  it("are kept in their rows where they succeeded", async () => {
    const outputs = await sql`
      SELECT id, output::text FROM job WHERE output IS NOT NULL ORDER BY id`.execute(
      opened.database.queryable,
    );

    expect(outputs.rows).toEqual([
      { id: ids.succeeded, output: '{"nth": 1}' },
      { id: ids.retried, output: "[2]" },
      { id: ids.unrecorded, output: "null" },
    ]);
  });

  it("leave the records of their attempts as they are", async () => {
    const attempts = await sql`
      SELECT job_id AS id, fence, outcome FROM ended_attempt ORDER BY job_id, fence`.execute(
      opened.database.queryable,
    );

    expect(attempts.rows).toEqual([
      { id: ids.succeeded, fence: 1, outcome: "succeeded" },
      { id: ids.retried, fence: 1, outcome: "failed" },
      { id: ids.retried, fence: 2, outcome: "succeeded" },
      { id: ids.failed, fence: 1, outcome: "failed" },
    ]);
  });

  it("are kept in their rows where they failed", async () => {
    const failed = await sql`
      SELECT id, error_code, error_message FROM job WHERE error_code IS NOT NULL OR error_message IS NOT NULL`.execute(
      opened.database.queryable,
    );

    expect(failed.rows).toEqual([{ id: ids.failed, error_code: "no_text", error_message: "no_text!" }]);
  });
});
