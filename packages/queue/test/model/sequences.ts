import { isTerminal } from "@millrace/contracts";
import * as fc from "fast-check";
import { resumeQueue } from "../../src/control/pause.ts";
import { setQueueLimit } from "../../src/control/queue-settings.ts";
import { expireJobs, promoteDueJobs } from "../../src/jobs/promote.ts";
import { reapJobs } from "../../src/jobs/reap.ts";
import { beat, claim, claimBoth, crash, stall } from "./claim-commands.ts";
import { claimsOf, expectAgreement } from "./command.ts";
import type { Command, Run } from "./command.ts";
import { crashAlone, finishBoth, finishCommand, succeedBoth, succeedTogether } from "./end-commands.ts";
import { enqueue, enqueueAgain, enqueueChild, opening } from "./enqueue-commands.ts";
import * as model from "./model.ts";
import * as upkeepModel from "./upkeep-model.ts";
import type { Model, ModelClaim } from "./model.ts";
import {
  claimLimited,
  claimLimitedBoth,
  liftLimits,
  limitQueue,
  releaseBoth,
  releaseLines,
} from "./limit-commands.ts";
import {
  answer,
  cancel,
  cancelRunning,
  pause,
  release,
  releaseRunning,
  resume,
  retry,
  weigh,
} from "./people-commands.ts";
import { emptyTables, partsOf } from "./system.ts";
import type { QueueSystem } from "./system.ts";
import {
  endPauses,
  expire,
  passBoth,
  promote,
  prune,
  purge,
  reap,
  restart,
  rollUp,
  wait,
} from "./upkeep-commands.ts";
import { durations, limitedQueue, nameOf, tasks } from "./world.ts";

/** How often each is drawn. */
const weighted: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [10, enqueue],
  [1, enqueueAgain],
  [3, enqueueChild],
  [20, claim],
  [16, claimLimited],
  [30, finishCommand(true)],
  [5, finishCommand(false)],
  [8, succeedTogether],
  [3, beat],
  [7, stall],
  [1, crash],
  [8, crashAlone(true)],
  [1, crashAlone(false)],
  [1, cancel],
  [3, cancelRunning],
  [8, retry],
  [10, answer],
  [1, release],
  [3, releaseRunning],
  [1, pause],
  [3, resume],
  [1, weigh],
  [4, liftLimits],
  [8, releaseLines],
  [1, limitQueue],
  [12, reap],
  [1, restart],
  [8, promote],
  [4, expire],
  [2, purge],
  [3, prune],
  [1, endPauses],
  [1, rollUp],
  [6, wait],
];

/** A command to begin with, and others after it; those that are not possible when their turn comes are left out. */
export function commandSequences(maxCommands: number, replayPath?: string) {
  const all = weighted.flatMap(([weight, arbitrary]) => Array.from({ length: weight }, () => arbitrary));
  const commands = fc.commands(all, {
    maxCommands,
    size: "max",
    ...(replayPath === undefined ? {} : { replayPath }),
  });
  return fc.tuple(opening, commands);
}

/** Runs commands on an empty queue, and then sees to it that everything comes to an end. */
export async function runCommands(
  system: QueueSystem,
  first: Command,
  commands: Iterable<Command>,
): Promise<void> {
  await emptyTables(system);
  const state = model.createModel();
  const real: Run = { system, last: undefined, places: new Map() };
  await fc.asyncModelRun(() => ({ model: state, real }), [first]);
  await fc.asyncModelRun(() => ({ model: state, real }), commands);
  await bringToRest(state, real);
}

/**
 * Whatever has happened: one round of the upkeep and one living worker are enough for every job that was
 * accepted to have ended.
 */
async function bringToRest(state: Model, real: Run): Promise<void> {
  const { system } = real;
  for (const queue of [...state.pauses.keys()]) {
    state.pauses.delete(queue);
    await resumeQueue(system.database, queue, { by: "ann" });
  }
  const lastDue = Math.max(
    state.now,
    ...model
      .allJobs(state)
      .flatMap(({ runAt, leaseUntil, expiresAt, state: at }) => [
        runAt,
        leaseUntil ?? runAt,
        at === "waiting" ? (expiresAt ?? runAt) : runAt,
      ]),
  );
  await passBoth(state, real, Math.ceil((lastDue - state.now) / durations.tickMs + 1) * durations.tickMs);
  upkeepModel.promote(state);
  for (const job of upkeepModel.overdue(state)) upkeepModel.takeBack(state, job);
  for (const job of upkeepModel.late(state)) upkeepModel.expire(state, job);
  await promoteDueJobs(partsOf(system));
  await reapJobs(partsOf(system), "expired_leases");
  await expireJobs(partsOf(system));
  await liftAllLimits(state, real);
  for (const queue of ["alpha", "beta", limitedQueue]) await finishQueue(state, real, queue);
  const open = model.allJobs(state).filter((job) => !isTerminal(job.state));
  if (open.length > 0) throw new Error(`never ended: ${open.map(({ id }) => nameOf(id)).join(", ")}`);
  state.told = [...system.told];
  await expectAgreement("all is done", state, real);
}

async function liftAllLimits(state: Model, real: Run): Promise<void> {
  state.areLimitsLifted = true;
  await releaseBoth(state, real);
  for (const queue of [...state.queueLimits.keys()]) {
    state.queueLimits.delete(queue);
    await setQueueLimit(real.system.database, queue, { maxRunning: null, by: "ann" });
  }
}

async function finishQueue(state: Model, real: Run, queue: string): Promise<void> {
  const isOpen = model.allJobs(state).some((job) => job.queue === queue && !isTerminal(job.state));
  if (!isOpen) return;
  const all = { worker: 0, limit: 1000 };
  if (queue === limitedQueue)
    await claimLimitedBoth(state, real, { ...all, choice: "best", lookAhead: 1000 });
  else await claimBoth(state, real, { ...all, oldest: 0, queue, goesOn: false });
  const held = claimsOf(state, true).filter(({ id }) => state.jobs.get(id)?.queue === queue);
  const isSimple = ({ id }: ModelClaim) => !tasks[state.jobs.get(id)?.task ?? "model.hooked"].sharesStream;
  await succeedBoth(state, real, held.filter(isSimple));
  // Those too that could not be ended together because their cancel was asked for.
  for (const one of held.filter((given) => model.heldJob(state, given) !== undefined)) {
    await finishBoth(state, real, one, { outcome: "succeeded", output: null });
  }
}
