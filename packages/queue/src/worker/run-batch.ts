import type { StopReason } from "@millrace/kernel";
import { timedOut } from "../errors.ts";
import { traceBatch } from "../observe/spans.ts";
import type { BatchOutcome, BatchRunner } from "../tasks/batch-task.ts";
import type { AnyTaskHandler } from "../tasks/task.ts";
import { plainSuccess } from "./attempt-end.ts";
import type { BatchMember } from "./batch-member.ts";
import type { ExecuteParts } from "./execution.ts";
import type { JobContext } from "./job-context.ts";
import type { Success } from "./success-recorder.ts";

type Batch = { readonly handler: AnyTaskHandler; readonly runner: BatchRunner };
type Succeeded = { readonly member: BatchMember; readonly output: unknown; readonly success: Success };

/**
 * Runs several jobs of one task at once, each to its own end: one fails, is cancelled or runs out of time by
 * itself. Their time begins here. Never rejects.
 */
export async function runBatch(
  parts: ExecuteParts,
  { handler, runner }: Batch,
  gathered: readonly BatchMember[],
): Promise<void> {
  const members: BatchMember[] = [];
  const contexts: JobContext<unknown>[] = [];
  for (const member of gathered) {
    try {
      contexts.push(member.createContext());
      members.push(member);
    } catch (error) {
      void member.fail(error);
    }
  }
  if (members.length === 0) return;
  const signal = signalOfAll(members);
  const clearLimit = limitTime(members, handler.task);
  try {
    const jobs = members.map(({ job }) => job);
    const outcomes = await traceBatch(jobs, () => runner.run(contexts, signal));
    endAll(parts, handler, members, outcomes);
  } catch (error) {
    for (const member of members) void member.fail(error);
  } finally {
    clearLimit();
  }
}

/** At the soft limit all are told to stop; at the hard one they end, although the handler may go on. */
function limitTime(
  members: readonly BatchMember[],
  { softLimitMs, hardLimitMs }: AnyTaskHandler["task"],
): () => void {
  let timer = setTimeout(() => {
    for (const member of members) member.stop("timed_out");
    timer = setTimeout(() => {
      for (const member of members) void member.fail(timedOut());
    }, hardLimitMs - softLimitMs);
  }, softLimitMs);
  return () => clearTimeout(timer);
}

/** Aborts when the last of several was told to stop: the others of a batch still want the answer. */
function signalOfAll(members: readonly BatchMember[]): AbortSignal {
  const all = new AbortController();
  const going = new Set(members);
  const onStop = (member: BatchMember, reason: StopReason): void => {
    member.giveGrace(reason);
    if (going.delete(member) && going.size === 0) all.abort(member.attempt.aborted);
  };
  for (const member of members) member.listen(onStop);
  return all.signal;
}

/** Those that succeeded together where nothing else is to be written with them, all others each by itself. */
function endAll(
  parts: ExecuteParts,
  handler: AnyTaskHandler,
  members: readonly BatchMember[],
  outcomes: readonly BatchOutcome[],
): void {
  const together: Succeeded[] = [];
  for (const [index, member] of members.entries()) {
    const own = outcomes[index] ?? { error: new Error("a batch gave no outcome for a job") };
    if ("error" in own) void member.fail(own.error);
    else if (member.beginEnd("succeeded")) {
      const success = plainSuccess(parts, member.job, handler, own.output);
      if (success === undefined) void member.record({ outcome: "succeeded", output: own.output });
      else together.push({ member, output: own.output, success });
    }
  }
  void recordSuccesses(parts, together);
}

/** Each by itself where that did not work. */
async function recordSuccesses(parts: ExecuteParts, together: readonly Succeeded[]): Promise<void> {
  const recorded = await parts.successes?.recordAll(together.map(({ success }) => success));
  for (const [nth, { member, output }] of together.entries()) {
    if (recorded?.[nth] === true) member.close();
    else void member.record({ outcome: "succeeded", output });
  }
}
