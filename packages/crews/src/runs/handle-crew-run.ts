import type { QueryAccess, Transaction } from "@millrace/database";
import type { Models } from "@millrace/models";
import { handleTask, readJobDetail } from "@millrace/queue";
import type { AnyTaskHandler, FencedScope, JobContext, JobEnd, NewEvent, WriteScope } from "@millrace/queue";
import type { Crew } from "../definition/crew.ts";
import type { LoadedCrews } from "../definition/load-crews.ts";
import { crewErrors } from "../errors.ts";
import { jobRuntime } from "../run/job-runtime.ts";
import { runCrew, startKey } from "../run/run-crew.ts";
import { crewRunTask } from "./crew-run-task.ts";
import type { CrewRunInput, CrewRunOutput } from "./crew-run-task.ts";
import { getCrew } from "./get-crew.ts";
import { readOutputs } from "./read-runs.ts";
import { recordStep } from "./record-step.ts";
import type { ChargeStep } from "./record-step.ts";
import { ToldEvents } from "./told-events.ts";
import { beginRun, endRun, reopenRun, writeFile } from "./write-runs.ts";

export type CrewRunParts = {
  readonly crews: LoadedCrews;
  readonly database: QueryAccess;
  readonly models: Pick<Models, "turn">;
  readonly charge: ChargeStep;
  /** What tools of a run may need. */
  readonly permissions: readonly string[];
  /** The queue's: events of a run's stream when no attempt is there to emit them. */
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};

/**
 * Runs crews as jobs. What a step means, its charge and its events are written in the transaction that records the
 * step, and how the run ends in the one that ends its job.
 */
export function handleCrewRun(parts: CrewRunParts): AnyTaskHandler {
  return handleTask({
    task: crewRunTask,
    run: (context) => run(parts, context),
    onEnd: (scope, end) => recordEnd(parts, scope, end),
    onRetry: ({ transaction }, { jobId }) => reopen(transaction, jobId),
  });
}

/** A job of before whose run is gone has recorded steps that a new run would know nothing of. */
async function reopen(transaction: Transaction, jobId: string): Promise<void> {
  if (await reopenRun(transaction, jobId)) return;
  const { steps } = await readJobDetail(transaction, jobId);
  if (steps.some(({ key }) => key === startKey)) throw crewErrors.runDeleted(jobId);
}

async function run(parts: CrewRunParts, context: JobContext<CrewRunInput>): Promise<CrewRunOutput> {
  const { input, job } = context;
  const crew = getCrew(parts.crews, input.crew);
  const id = await begin(context, crew);
  const { replay } = input;
  const outputs = replay === null ? [] : await readOutputs(parts.database.queryable, id);
  const told = new ToldEvents(() => context.transaction(async (scope) => tell(scope, told)));
  const runtime = jobRuntime(context, {
    turn: (request) => parts.models.turn(request),
    emit: (event) => told.emit(event),
    onText: (piece) => told.text(piece),
    saveFile: (file) => context.transaction((scope) => writeFile(scope.transaction, id, file)),
    permissions: parts.permissions,
    record: async (scope, step) => {
      // What began before it is told before it.
      tell(scope, told);
      for (const { type, data } of step.events) scope.emit(type, data);
      await recordStep(
        scope.transaction,
        { id, job: job.id, owner: job.owner, crew, charge: parts.charge },
        step,
      );
      reportProgress(context, crew, step.events);
    },
  });
  try {
    const { raw, json } = await runCrew(
      crew,
      input.inputs,
      runtime,
      replay === null ? {} : { replay: { from: replay.from, outputs } },
    );
    return { run_id: id, raw, json };
  } finally {
    await told.close();
  }
}

async function begin({ input, job, transaction }: JobContext<CrewRunInput>, crew: Crew): Promise<string> {
  const { id: jobId, owner, stream } = job;
  const { inputs, replay } = input;
  const id = await transaction((scope) =>
    beginRun(scope.transaction, { crew, inputs, jobId, stream, replay, owner }),
  );
  if (id === undefined) throw crewErrors.ownerUnknown(owner ?? "");
  return id;
}

function tell(scope: FencedScope, told: ToldEvents): void {
  for (const { type, data } of told.take()) scope.emit(type, data);
  scope.afterCommit(() => told.told());
}

/** For those who look at the job: tasks that are done. */
function reportProgress(
  context: JobContext<CrewRunInput>,
  crew: Crew,
  events: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[],
): void {
  const total = crew.tasks.length;
  for (const { type, data } of events) {
    const at = crew.tasks.findIndex((task) => task.name === data["task"]);
    const task = crew.tasks[at];
    if (task === undefined) continue;
    if (type === "crew.task_started") context.progress({ stage: task.name, message: task.title });
    if (type === "crew.task_completed")
      context.progress({ percent: ((at + 1) / total) * 100, done: at + 1, total, unit: "tasks" });
  }
}

async function recordEnd(
  parts: CrewRunParts,
  scope: WriteScope,
  end: JobEnd<CrewRunInput, CrewRunOutput>,
): Promise<void> {
  const ended = await endRun(scope.transaction, end);
  if (ended === undefined) return;
  const { stream, workspace_id: owner } = ended;
  const event = (type: string, data: Readonly<Record<string, unknown>>) =>
    parts.appendEvents(scope, [{ stream, owner, type, data }]);
  switch (end.state) {
    case "succeeded":
      return await event("crew_run.completed", { run_id: end.output.run_id });
    case "cancelled":
      return await event("crew_run.cancelled", { message: "The run was cancelled." });
    case "failed":
    case "expired":
      return await event("crew_run.failed", { error: end.error.message, error_code: end.error.code });
  }
}
