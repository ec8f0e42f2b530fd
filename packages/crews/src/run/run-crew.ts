import type { JsonValue } from "@millrace/kernel";
import { isPlainMap } from "../definition/yaml-file.ts";
import type { Crew, CrewInputs, TaskOutput } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";
import { completeInputs, interpolateCrew } from "../prompts/interpolate.ts";
import { withPlans } from "./make-plan.ts";
import { contextOf, excerpt, Gates, stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { withRecordableSteps } from "./recordable-steps.ts";
import { isFinal, runTasks } from "./run-tasks.ts";
import type { CrewRuntime } from "./runtime.ts";
import { UsageCount } from "./usage.ts";
import type { CrewUsage } from "./usage.ts";

/** What a run came to. JSON. */
export type CrewResult = {
  readonly raw: string;
  readonly json: JsonValue;
  readonly tasks_output: readonly TaskOutput[];
  readonly usage: CrewUsage;
};

/** The first step that a run records. */
export const startKey = "crew/start";

export type CrewRunOptions = {
  /** Begins at this task, with the outputs that a former run of the same crew had of those before it. */
  readonly replay?: { readonly from: string; readonly outputs: readonly TaskOutput[] };
};

/**
 * Runs a crew. Everything that costs, asks or changes something is a step of the runtime: a run that was
 * interrupted and is begun again with the same inputs goes on where it was, and comes to the same result.
 *
 * Throws `crew_inputs_invalid`, `crew_tool_not_permitted`, `crew_changed`, the codes of what an agent or a task
 * can fail with, and whatever the runtime throws.
 */
export async function runCrew(
  crew: Crew,
  inputs: CrewInputs,
  given: CrewRuntime,
  options: CrewRunOptions = {},
): Promise<CrewResult> {
  const runtime = withRecordableSteps(given);
  checkPermissions(crew, runtime.permissions);
  const done = replayed(crew, options.replay);
  const startedAt = await start(crew, runtime, options.replay?.from ?? null);
  const failure = new AbortController();
  const signal = AbortSignal.any([runtime.signal, failure.signal]);
  const begun: Run = {
    crew,
    inputs,
    runtime,
    signal,
    usage: new UsageCount(),
    startedAt,
    gates: new Gates(crew),
  };

  const all = completeInputs(crew, await beforeKickoff(begun, inputs));
  const described = interpolateCrew(crew, all);
  const planned = await withPlans({ ...begun, crew: described, inputs: all }, described);
  const run: Run = { ...begun, crew: planned, inputs: all };
  const outputs = await runTasks(run, described.tasks, done, (error) => {
    // What others do beside it would be paid and thrown away.
    if (isFinal(error)) failure.abort(error);
  });
  const last = outputs.findLast((output) => output.raw !== "");
  const { raw, json } = await afterKickoff(run, { raw: last?.raw ?? "", json: last?.json ?? null });
  const usage = run.usage.total();
  await runtime.step("crew/done", async () => null, {
    events: () => [{ type: "crew.completed", data: { output: excerpt(raw), usage: { ...usage } } }],
  });
  return { raw, json, tasks_output: outputs, usage };
}

function checkPermissions(crew: Crew, permissions: readonly string[]): void {
  const everyone = crew.manager === null ? crew.agents : [...crew.agents, crew.manager];
  const tools = new Set([
    ...everyone.flatMap((agent) => agent.tools),
    ...crew.tasks.flatMap((task) => task.tools),
  ]);
  const refused = [...tools].flatMap((tool) =>
    tool.permissions
      .filter((permission) => !permissions.includes(permission))
      .map((permission) => ({ tool: tool.name, permission })),
  );
  if (refused.length > 0) throw crewErrors.notPermitted(refused);
}

function replayed(crew: Crew, replay: CrewRunOptions["replay"]): TaskOutput[] {
  if (replay === undefined) return [];
  const names = crew.tasks.map((task) => task.name);
  const at = names.indexOf(replay.from);
  if (at === -1) throw crewErrors.replayTaskUnknown(replay.from, names);
  return names.slice(0, at).map((name) => {
    const output = replay.outputs.find((one) => one.task === name);
    if (output === undefined) throw crewErrors.replayOutputMissing(name);
    return output;
  });
}

/** Notes when the run began and with which files: the date that agents are told stays the same. */
async function start(crew: Crew, runtime: CrewRuntime, replayFrom: string | null): Promise<Date> {
  const begun = await runtime.step(
    startKey,
    async () => ({ at: runtime.clock.now().toISOString(), fingerprint: crew.fingerprint }),
    {
      events: () => [
        {
          type: "crew.started",
          data: {
            crew: crew.name,
            process: crew.process,
            replay_from: replayFrom,
            tasks: crew.tasks.map(({ name, title, agent }) => ({ task: name, name: title, agent })),
            agents: crew.agents.map(({ name, role }) => ({ agent: name, role })),
          },
        },
      ],
    },
  );
  if (begun.fingerprint !== crew.fingerprint) throw crewErrors.changed(crew.name);
  return new Date(begun.at);
}

async function beforeKickoff(run: Run, given: CrewInputs): Promise<CrewInputs> {
  let inputs = given;
  for (const [index, callback] of run.crew.beforeKickoff.entries()) {
    const key = stepKey("crew/before", index + 1);
    const before = inputs;
    inputs = await run.runtime.step(key, async (signal) => {
      const changed = await callback.value(
        { kind: "before_kickoff", inputs: before },
        contextOf(run, key, signal),
      );
      // Its values are JSON once they are recorded; a callback that returns nothing has only looked.
      return isPlainMap(changed) ? (changed as CrewInputs) : before;
    });
  }
  return inputs;
}

async function afterKickoff(run: Run, result: { raw: string; json: JsonValue }): Promise<typeof result> {
  let { raw, json } = result;
  for (const [index, callback] of run.crew.afterKickoff.entries()) {
    const key = stepKey("crew/after", index + 1);
    const before = { raw, json };
    raw = await run.runtime.step(key, async (signal) => {
      const changed = await callback.value({ kind: "after_kickoff", ...before }, contextOf(run, key, signal));
      return typeof changed === "string" ? changed : before.raw;
    });
    if (raw !== before.raw) json = null;
  }
  return { raw, json };
}
