import { isTerminal } from "@millrace/contracts";
import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import { jobNotFound } from "../errors.ts";
import { appendEvents, parseStream } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import { comebackPlaceOfOne } from "../jobs/fair-share.ts";
import type { LockedJob } from "../jobs/job-row.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { WriteScope } from "../write-scope.ts";
import { findAnswerProblems } from "./question.ts";
import type { Question } from "./question.ts";
import {
  alreadyAnswered,
  answerTooLarge,
  answerTooLate,
  invalidAnswer,
  jobNotWaiting,
  waitsForAnother,
} from "./waiting-errors.ts";

export type AnswerParts = { readonly bus: EventBus; readonly broker: Announcer };

export type GivenAnswer = {
  /** Of the question. */
  readonly key: string;
  /** Any JSON that fits the question's schema. */
  readonly answer: unknown;
  /** Who gives it, as it is kept with the job. */
  readonly by: string;
};

/** An answer is a decision or a few lines, kept with the job and read with each of its later attempts. */
const maxAnswerBytes = 65_536;

/** Who answers when the time is over and the question says what is taken then. */
const byExpiry = "expiry";

/**
 * Records the answer to what a job waits for, and puts the job back in line, in the caller's transaction. The
 * same answer again changes nothing. Throws `job_not_found`, `already_answered` for another answer than the
 * recorded one, `job_not_waiting`, `waits_for_another`, `answer_too_late`, `answer_too_large`, and
 * `invalid_answer` with what does not fit the question's schema.
 */
export async function answerJob(
  scope: WriteScope,
  parts: AnswerParts,
  id: string,
  given: GivenAnswer,
): Promise<void> {
  const text = jsonText(given.answer);
  if (Buffer.byteLength(text) > maxAnswerBytes) throw answerTooLarge(maxAnswerBytes);
  const job = await lockJob(scope.transaction, id);
  if (job === undefined) throw jobNotFound(id);
  const recorded = await findRecorded(scope.transaction, { id, key: given.key, text });
  if (recorded === "same") return;
  if (recorded === "other") throw alreadyAnswered(id, given.key);
  const asked = await findQuestion(scope.transaction, id);
  if (job.state === "expired" && asked?.key === given.key) throw answerTooLate(id, given.key);
  if (job.state !== "waiting" || asked === undefined || isTerminal(job.state)) {
    throw jobNotWaiting(id, job.state);
  }
  if (asked.key !== given.key) throw waitsForAnother(id, given.key, asked.key);
  if (asked.is_late) throw answerTooLate(id, given.key);
  const problems = findAnswerProblems(asked.schema, given.answer);
  if (problems.length > 0) throw invalidAnswer(given.key, problems);
  await goOn(scope, parts, job, { key: given.key, text, by: given.by });
}

/**
 * Gives a locked job that waited too long the answer that its question names for that, and puts it back in
 * line. False when its question names none.
 */
export async function answerAtExpiry(
  scope: WriteScope,
  parts: AnswerParts,
  job: LockedJob,
): Promise<boolean> {
  const asked = await findQuestion(scope.transaction, job.id);
  if (asked === undefined || asked.answer_at_expiry === null) return false;
  const text = jsonText(asked.answer_at_expiry.value);
  await goOn(scope, parts, job, { key: asked.key, text, by: byExpiry });
  return true;
}

type OpenQuestion = {
  readonly key: string;
  readonly schema: Question["schema"];
  readonly answer_at_expiry: Question["answerAtExpiry"];
  readonly is_late: boolean;
};

async function findQuestion(transaction: Transaction, id: string): Promise<OpenQuestion | undefined> {
  const found = await sql<OpenQuestion>`
    SELECT wait.key, wait.schema, wait.answer_at_expiry, coalesce(job.expires_at <= now(), false) AS is_late
    FROM job_wait AS wait JOIN job ON job.id = wait.job_id
    WHERE wait.job_id = ${id} AND wait.answered_at IS NULL`.execute(transaction);
  return found.rows[0];
}

async function findRecorded(
  transaction: Transaction,
  given: { readonly id: string; readonly key: string; readonly text: string },
): Promise<"same" | "other" | undefined> {
  const found = await sql<{ is_same: boolean }>`
    SELECT step.output = ${given.text}::jsonb AS is_same
    FROM job_wait AS wait JOIN job_step AS step USING (job_id, key)
    WHERE wait.job_id = ${given.id} AND wait.key = ${given.key} AND wait.answered_at IS NOT NULL
      AND step.state = 'done'`.execute(transaction);
  const [row] = found.rows;
  if (row === undefined) return undefined;
  return row.is_same ? "same" : "other";
}

/** The answer becomes the step of its key, which later attempts find. */
async function goOn(
  scope: WriteScope,
  parts: AnswerParts,
  job: LockedJob,
  answer: { readonly key: string; readonly text: string; readonly by: string },
): Promise<void> {
  const { transaction } = scope;
  await sql`
    WITH waited AS (
      UPDATE job_wait SET answered_at = now(), answered_by = ${answer.by}
      WHERE job_id = ${job.id} AND key = ${answer.key} RETURNING asked_at
    )
    INSERT INTO job_step (job_id, key, state, fence, output, started_at, finished_at)
    SELECT ${job.id}::uuid, ${answer.key}, 'done', ${job.fence}::bigint, ${answer.text}::jsonb, asked_at, now() FROM waited`.execute(
    transaction,
  );
  await sql`
    UPDATE job SET state = 'queued', fair = ${comebackPlaceOfOne}, run_at = now(), expires_at = NULL
    WHERE id = ${job.id}`.execute(transaction);
  await appendEvents(scope, parts.bus, [
    {
      stream: job.stream,
      owner: job.owner,
      type: `${parseStream(job.stream).domain}.answered`,
      data: { job_id: job.id, key: answer.key, by: answer.by },
    },
  ]);
  scope.afterCommit(() => {
    parts.bus.publishTransition(transitionOf("answered", job, "queued"));
    for (const hint of hintsOf([job])) parts.broker.announce(hint);
  });
}
