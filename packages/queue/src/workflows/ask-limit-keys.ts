import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { isMillraceError, newId } from "@millrace/kernel";
import { sql } from "kysely";
import { storedLimitKey } from "../tasks/job-keys.ts";
import type { Task } from "../tasks/task.ts";
import { parseInput } from "../tasks/task-values.ts";

type KeyedJob = { readonly id: string; readonly task: Task | undefined; readonly input: unknown };

/** Undefined for a task that could not say. */
type Answer = string | null | undefined;

/**
 * What the limits of jobs count by, in the order of the jobs; null where nobody here can say. A task that throws
 * must not keep what goes before the job from ending: its job runs without a key, which the job's log tells.
 */
export async function askLimitKeys(
  transaction: Transaction,
  jobs: readonly KeyedJob[],
): Promise<(string | null)[]> {
  const answers = jobs.map(askLimitKey);
  await warn(
    transaction,
    jobs.filter((_job, nth) => answers[nth] === undefined),
  );
  return answers.map((answer) => answer ?? null);
}

function askLimitKey({ task, input }: KeyedJob): Answer {
  if (task?.limitKey === undefined) return null;
  try {
    return storedLimitKey(task, parseInput(task, input));
  } catch (error) {
    // The job fails with it, where people see why.
    if (isMillraceError(error) && error.code === "invalid_job_input") return null;
    return undefined;
  }
}

async function warn(transaction: Transaction, jobs: readonly KeyedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const lines = jobs.map((job) => ({ id: newId(), job_id: job.id }));
  await sql`
    INSERT INTO job_log (id, job_id, level, message)
    SELECT id, job_id, 'warning', ${warning}::text
    FROM jsonb_to_recordset(${jsonText(lines)}::jsonb) AS line (id uuid, job_id uuid)`.execute(transaction);
}

const warning =
  "The task's limitKey failed for this input, so that no limit by key counts this job. Enqueue the task with this input to see the error.";
