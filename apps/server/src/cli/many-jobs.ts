import { bulkResultSchema, jobStates } from "@millrace/contracts";
import type { BulkResult, JobSelection, JobState } from "@millrace/contracts";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { isConfirmed } from "./confirm.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { pastMoment } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeJson } from "./write-json.ts";

/** Which jobs a command means, as its options say. */
export type JobMarks = {
  readonly state?: readonly JobState[];
  readonly queue?: string;
  readonly task?: string;
  readonly tag?: string;
  readonly errorCode?: string;
  readonly createdAfter?: string;
  readonly createdBefore?: string;
  readonly finishedAfter?: string;
  readonly finishedBefore?: string;
};

/** The options of every command that lists, retries or cancels by marks. */
export function addMarkOptions(command: Command): Command {
  return command
    .option("--state <states>", "only these, with commas between", stateList)
    .option("--queue <queue>", "only of this queue")
    .option("--task <task>", "only of this task")
    .option("--tag <tag>", "only with this tag")
    .option("--error-code <code>", "only those that failed with it")
    .option("--created-after <time>", "a moment, or 2h, 7d ago", pastMoment)
    .option("--created-before <time>", "a moment, or 2h, 7d ago", pastMoment)
    .option("--finished-after <time>", "a moment, or 2h, 7d ago", pastMoment)
    .option("--finished-before <time>", "a moment, or 2h, 7d ago", pastMoment);
}

function stateList(value: string): readonly JobState[] {
  const known: readonly string[] = jobStates;
  const states = value.split(",").map((state) => state.trim());
  if (!states.every((state) => known.includes(state))) {
    throw new InvalidArgumentError(`Name one or more of ${jobStates.join(", ")}.`);
  }
  return states as readonly JobState[];
}

/** The same as the API calls them; what was not given is undefined. */
export function toSelection(marks: JobMarks, ids: readonly string[] = []): JobSelection {
  return {
    ids: ids.length === 0 ? undefined : [...ids],
    state: marks.state === undefined ? undefined : [...marks.state],
    queue: marks.queue,
    task: marks.task,
    tag: marks.tag,
    error_code: marks.errorCode,
    created_after: marks.createdAfter,
    created_before: marks.createdBefore,
    finished_after: marks.finishedAfter,
    finished_before: marks.finishedBefore,
  };
}

export type ChangeOptions = {
  readonly action: "retry" | "cancel";
  readonly yes?: true;
  readonly limit?: number;
  readonly json?: true;
};

type Totals = Omit<BulkResult, "as_of" | "left">;

/**
 * Retries or cancels all jobs of a selection, as often as it takes: one request does as many as it has time
 * for. Asks first, naming the count. Jobs that come to fit meanwhile are left alone.
 */
export async function changeJobs(
  client: ApiClient,
  filter: JobSelection,
  options: ChangeOptions,
): Promise<ExitCode> {
  const { action, json } = options;
  const found = await countJobs(client, filter, action);
  const wanted = Math.min(found, options.limit ?? found);
  if (wanted > 0 && !options.yes && !(await isConfirmed(`${verb(action)} ${jobs(wanted)}?`))) {
    process.stderr.write("Nothing was done\n");
    return exitCodes.failed;
  }
  const totals = await change(client, filter, { action, found, wanted });
  if (json) writeJson(totals);
  else tell(action, totals);
  return totals.errors.length > 0 || totals.skipped > 0 ? exitCodes.failed : exitCodes.ok;
}

async function countJobs(client: ApiClient, filter: JobSelection, action: string): Promise<number> {
  const body = JSON.stringify({ filter, dry_run: true });
  return (await client.call(`/api/jobs/${action}`, bulkResultSchema, { method: "POST", body })).matched;
}

async function change(
  client: ApiClient,
  given: JobSelection,
  {
    action,
    found,
    wanted,
  }: { readonly action: "retry" | "cancel"; readonly found: number; readonly wanted: number },
): Promise<Totals> {
  const totals: Totals = { matched: found, changed: 0, skipped: 0, errors: [] };
  let filter = given;
  for (let left = wanted, round = 0; left > 0 || round === 0; round++) {
    const expected_count = round === 0 ? found : undefined;
    const body = JSON.stringify({ filter, expected_count, limit: Math.max(1, left) });
    const result = await client.call(`/api/jobs/${action}`, bulkResultSchema, { method: "POST", body });
    totals.changed += result.changed;
    totals.skipped += result.skipped;
    totals.errors.push(...result.errors);
    left -= result.changed + result.skipped;
    if (result.left === 0 || result.changed + result.skipped === 0) break;
    process.stderr.write(`${totals.changed} of ${wanted}\n`);
    // Those that fail or come meanwhile were not meant.
    const end = action === "retry" ? "finished_before" : "created_before";
    filter = { ...filter, [end]: filter[end] ?? result.as_of };
  }
  return totals;
}

function tell(action: "retry" | "cancel", { changed, skipped, errors }: Totals): void {
  const stayed = skipped === 0 ? "" : `; ${jobs(skipped)} stayed as they were`;
  process.stderr.write(`${action === "retry" ? "Retried" : "Cancelled"} ${jobs(changed)}${stayed}\n`);
  for (const { id, code, message } of errors) {
    process.stderr.write(`millrace: ${id}: ${printableLine(message)} (${code})\n`);
  }
}

function verb(action: "retry" | "cancel"): string {
  return action === "retry" ? "Retry" : "Cancel";
}

function jobs(count: number): string {
  return count === 1 ? "1 job" : `${count} jobs`;
}
