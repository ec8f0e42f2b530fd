/** Where processes are killed. */
import { commitNames } from "../../src/crash-point.ts";
import type { CommitName } from "../../src/crash-point.ts";

/**
 * Besides the first time that a process comes to a commit, which may be before there is anything to lose:
 * the times that come in the midst of the work.
 */
const furtherTimes: Partial<Record<CommitName, readonly number[]>> = {
  caller: [2, 3, 4, 5, 6, 7],
  enqueue: [2, 4, 6],
  claim: [2, 3, 6, 12, 30, 60],
  claim_limited: [2, 3, 6, 12, 30, 60],
  release_parked: [2, 5],
  succeed: [2, 3],
  succeed_members: [2, 3],
  finish_attempt: [2, 4, 7],
  step_start: [2, 5, 9],
  step_record: [2, 5, 9],
  fenced_write: [2, 5, 9, 13],
  write_progress: [2, 3],
  crash_alone: [2],
  beat: [2, 3],
  promote: [2, 5, 9],
  expire: [2],
  prune: [3, 9, 15, 21],
  roll_up_counts: [2, 5],
  worker_beat: [2, 5],
  resume: [2],
  task_limits: [2],
  owner_weight: [2],
  fire_schedule: [2, 3],
  change_schedule: [2],
};

/** Every side of every commit, `name:before` and `name:after#2`, as MILLRACE_CRASH_AT takes it. */
export function allCrashPoints(): string[] {
  return commitNames.flatMap((name) =>
    ["before", "after"].flatMap((side) => [
      `${name}:${side}`,
      ...(furtherTimes[name] ?? []).map((time) => `${name}:${side}#${time}`),
    ]),
  );
}

/** Points that every worker comes to, however many share the work: for a death that another worker sees. */
export const pointsBesideSurvivor = [
  "claim:before#3",
  "claim:after#2",
  "step_start:after",
  "step_record:before",
  "step_record:after",
  "fenced_write:before#2",
  "fenced_write:after#2",
  "write_progress:after",
  "succeed:before",
  "succeed:after",
  "finish_attempt:before",
  "finish_attempt:after",
  "beat:before",
  "beat:after#2",
  "promote:after#3",
] as const;

/** In the midst of the work: steps in flight, jobs in children, much that was acknowledged. */
export const pointInTheMidst = "fenced_write:after#9";

/** Points that a process comes to while it takes up what an earlier one has left. */
export const pointsWhileRecovering = [
  "reap:before",
  "reap:after",
  "reap:after#3",
  "claim:after#2",
  "step_start:after",
  "fenced_write:before",
  "finish_attempt:before",
  "finish_attempt:after",
  "crash_alone:after",
  "worker_register:after",
  "worker_unregister:before",
] as const;

/** What jobs go through again and again. */
const busy: ReadonlySet<string> = new Set<CommitName>([
  "enqueue",
  "claim",
  "claim_limited",
  "succeed",
  "succeed_members",
  "finish_attempt",
  "step_record",
  "fenced_write",
]);

/** Some of different commits, half of them busy ones; the same for the same seed. */
export function sampleOf(points: readonly string[], count: number, seed: number): string[] {
  const random = randomNumbers(seed);
  const shuffled = points
    .map((point) => ({ point, place: random() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ point }) => point);
  const ofEachName = [...Map.groupBy(shuffled, nameOf).values()].flatMap(([first]) => first ?? []);
  const ofBusy = ofEachName.filter((point) => busy.has(nameOf(point))).slice(0, Math.ceil(count / 2));
  const others = ofEachName.filter((point) => !busy.has(nameOf(point)));
  return [...ofBusy, ...others].slice(0, count);
}

export function nameOf(point: string): string {
  return point.split(":")[0] ?? "";
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  // The generator of Park and Miller, 1988: enough to choose some.
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/**
 * A few in the gate and all by night; or those that MILLRACE_CRASH_POINTS names, with commas between them,
 * to look at one again.
 */
export function chosenPoints(options: {
  readonly sample: number;
  readonly seed: number;
  readonly from?: readonly string[];
}): readonly string[] {
  const from = options.from ?? allCrashPoints();
  const named = process.env["MILLRACE_CRASH_POINTS"]?.split(",");
  if (named !== undefined)
    return options.from === undefined ? named : from.filter((point) => named.includes(point));
  return process.env["MILLRACE_NIGHTLY"] === "1" ? from : sampleOf(from, options.sample, options.seed);
}
