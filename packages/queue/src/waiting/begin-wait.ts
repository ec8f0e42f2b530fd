import { jsonText } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { LockedJob } from "../jobs/job-row.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { WriteScope } from "../write-scope.ts";
import type { Question } from "./question.ts";

/**
 * Lets a locked running job wait for an answer: it holds no slot, its attempt is not counted, and the former
 * holder's writes are void. It waits for one answer at a time; a question of before that nobody answered is
 * forgotten, and so is an answer to this one that the job has refused.
 */
export async function beginWait(
  scope: WriteScope,
  parts: { readonly bus: EventBus },
  job: LockedJob,
  question: Question,
): Promise<void> {
  const { transaction } = scope;
  const { key, text, schema, problem, answerAtExpiry } = question;
  const wait = sql`${question.expiresInMs}::double precision * interval '1 millisecond'`;
  await sql`
    DELETE FROM job_wait WHERE job_id = ${job.id} AND key <> ${key} AND answered_at IS NULL`.execute(
    transaction,
  );
  await sql`DELETE FROM job_step WHERE job_id = ${job.id} AND key = ${key}`.execute(transaction);
  await sql`
    INSERT INTO job_wait AS known (job_id, key, question, schema, problem, answer_at_expiry)
    VALUES (${job.id}, ${key}, ${text}, ${nullable(schema)}::jsonb, ${problem}, ${nullable(answerAtExpiry)}::jsonb)
    ON CONFLICT (job_id, key) DO UPDATE SET question = excluded.question, schema = excluded.schema,
      problem = excluded.problem, answer_at_expiry = excluded.answer_at_expiry, asked_at = now(),
      answered_at = NULL, answered_by = NULL`.execute(transaction);
  const written = await sql<{ expires_at: Date }>`
    UPDATE job SET state = 'waiting', attempt = attempt - 1, fence = fence + 1, worker_id = NULL, lease_until = NULL,
           expires_at = now() + ${wait}
    WHERE id = ${job.id} RETURNING expires_at`.execute(transaction);
  const [{ expires_at } = { expires_at: null }] = written.rows;
  await appendEvents(scope, parts.bus, [
    {
      stream: job.stream,
      owner: job.owner,
      type: `${parseStream(job.stream).domain}.waiting`,
      data: { job_id: job.id, key, question: text, expires_at: expires_at?.toISOString() ?? null },
    },
  ]);
  const details = job.run_ms === null ? {} : { runMs: job.run_ms };
  scope.afterCommit(() => parts.bus.publishTransition(transitionOf("waiting", job, "waiting", details)));
}

/** The recorded answer to a question, or undefined while there is none. */
export async function findAnswer(
  queryable: Queryable,
  jobId: string,
  key: string,
): Promise<{ readonly value: unknown } | undefined> {
  const found = await sql<{ value: unknown }>`
    SELECT step.output AS value FROM job_step AS step JOIN job_wait AS wait USING (job_id, key)
    WHERE step.job_id = ${jobId} AND step.key = ${key} AND step.state = 'done' AND wait.answered_at IS NOT NULL`.execute(
    queryable,
  );
  return found.rows[0];
}

function nullable(value: unknown): string | null {
  return value === null ? null : jsonText(value);
}
