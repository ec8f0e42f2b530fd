import { isMillraceError, sleep, toError } from "@millrace/kernel";
import { sql } from "kysely";
import { finishAttempt } from "../jobs/finish-attempt.ts";
import type { AttemptEnd } from "../jobs/finish-attempt.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { withWriteScope } from "../write-scope.ts";
import type { AttemptStop } from "./attempt-stop.ts";
import { mayPassLater, wasGivenBack } from "./database-trouble.ts";
import type { ExecuteParts } from "./execution.ts";
import { writePending } from "./pending-writes.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { storable } from "./stored-error.ts";

/** Ends are recorded for this long after the process was told to stop; later the lease decides. */
const recordAfterStopMs = 3_000;
/**
 * So often an end is tried whose connection was taken back. Once, a process stood still; again and again, the
 * hook does slow work in the transaction, and each try holds it open for as long.
 */
const maxTriesGivenBack = 3;

/** So many ends at once, of those that are recorded by themselves: about as many as there are connections. */
export const endsAtOnce = 10;

/** `isBare`: only the job's own rows are written, neither its last words nor what its hook writes. */
type Recording = { readonly end: AttemptEnd; readonly isBare: boolean };

/**
 * Recording an end is tried again while the database is away; running the job is not. An end that
 * the database refuses becomes a failure, in the end one without the task's hook: a job that can't
 * be ended would run for ever. Gives up when the lease is lost (the job is then another's), and
 * soon after the process was told to stop.
 */
export async function recordEnd(
  parts: ExecuteParts,
  job: ClaimedJob,
  end: AttemptEnd,
  attempt: AttemptStop,
): Promise<void> {
  let recording: Recording = { end, isBare: false };
  let triesGivenBack = 0;
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      const isWritten = await write(parts, job, recording);
      if (!isWritten && !(await hasLanded(parts, job, recording.end))) parts.onStaleWrite(job);
      return;
    } catch (error) {
      if (attempt.reason === "lease_lost") return;
      if (wasGivenBack(error)) triesGivenBack++;
      const isHooks = wasGivenBack(error) && !recording.isBare && triesGivenBack >= maxTriesGivenBack;
      if (mayPassLater(error) && !isHooks) {
        if (attempt.msSinceShutdown() >= recordAfterStopMs) return;
        parts.logger.warn({ jobId: job.id }, "the database is away; the end of a job will be recorded later");
        await sleep(waitMs);
        continue;
      }
      const next = afterRefusal(recording, error);
      parts.logger.error(
        { err: toError(error), jobId: job.id, task: job.task, withoutHook: next?.isBare },
        "the end of a job could not be recorded",
      );
      // Nothing was left out that could still be: the lease runs out, and the job is taken back.
      if (next === undefined) return;
      recording = next;
    }
  }
}

function write(parts: ExecuteParts, job: ClaimedJob, { end, isBare }: Recording): Promise<boolean> {
  const finish = (pending: PendingWrites): Promise<boolean> =>
    withWriteScope(
      parts.database,
      (scope) =>
        finishAttempt(scope, parts, job, {
          end,
          skipsHook: isBare,
          writeFirst: async () => {
            if (!isBare) await writePending(scope, parts.bus, [pending]);
          },
        }),
      "finish_attempt",
    );
  // In its turn: an end that waits for a transaction of its job keeps no other from being recorded.
  return parts.writer.writeEnd(job, (pending) => parts.ends.run(() => finish(pending)));
}

/**
 * Whether this very end was written by a try whose answer was lost. Nobody heard of it then; those who
 * watch read it.
 */
async function hasLanded({ database }: ExecuteParts, { id, fence }: ClaimedJob, { outcome }: AttemptEnd) {
  const found = await sql`
    SELECT 1 FROM ended_attempt WHERE job_id = ${id} AND fence = ${fence} AND outcome = ${outcome}`.execute(
    database.queryable,
  );
  return found.rows.length > 0;
}

function afterRefusal({ end, isBare }: Recording, error: unknown): Recording | undefined {
  if (isBare) return undefined;
  if (end.outcome !== "failed") return { end: unrecordable(error), isBare: false };
  if (end.retryInMs !== undefined) return { end: { ...end, retryInMs: undefined }, isBare: false };
  return { end, isBare: true };
}

/** An end whose own writes fail (a hook that throws, an output that is no JSON) fails the job. */
function unrecordable(error: unknown): AttemptEnd {
  const why = isMillraceError(error) ? error.message : "The server's log has the details.";
  return {
    outcome: "failed",
    error: storable({ code: "end_not_recorded", message: `The result could not be stored. ${why}` }),
    retryInMs: undefined,
  };
}
