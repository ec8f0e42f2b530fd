/**
 * I6. Who lives turns and beats and says so, and is never seen as silent; who has died is seen as silent, the queues
 * without a worker are named, and the loss and each crash are told and counted; with the next worker all is well.
 */
import { lastDeathMs } from "./observed.ts";
import type { Observed } from "./observed.ts";
import type { Look, Pulse } from "./receiver.ts";
import { survivorName } from "./victim-settings.ts";
import { survivorQueues, tasks } from "./victim-tasks.ts";

/** No process may stand still for longer. For how long it merely waited for its turn on a busy machine is not counted. */
const standstillMs = 1_000;
/** Of one that dies nobody knows how long it has waited since its last pulse: this is no waiting any more. */
const lastStandstillMs = 10_000;
/**
 * Leases end and turns are late where a machine has no time for who holds them, and those who watch are right to say
 * so: nobody is blamed for what happens after this much waiting by all threads of a process in so long.
 */
const starvedMs = 5_000;
const starvedWithinMs = 10_000;

export function findUnhealthy(observed: Observed): string[] {
  return [
    ...findStandstills(observed),
    ...findMissingLooks(observed),
    ...observed.looks.flatMap((look) => findWrongLook(observed, look)),
    ...findUntoldLosses(observed),
    ...findMiscountedCrashes(observed),
  ];
}

function findStandstills(observed: Observed): string[] {
  const diedMs = new Map(observed.deaths.map(({ launch, atMs }) => [launch, atMs]));
  return observed.launches.flatMap(({ name, helloMs }) => {
    const pulses = pulsesOf(observed, name);
    const endMs = diedMs.get(name);
    const stills = pulses.map(({ saidMs, loopDelayMs, waitedMs }, index) => {
      const silentMs = saidMs - (pulses[index - 1]?.saidMs ?? helloMs);
      return Math.max(silentMs, loopDelayMs) - waitedMs;
    });
    const longestMs = Math.max(0, ...stills);
    const lastMs = (endMs ?? 0) - (pulses.at(-1)?.saidMs ?? helloMs);
    const count = (isWrong: (pulse: Pulse) => boolean): number =>
      pulses.filter((pulse) => isWrong(pulse) && !isStarved(pulses, pulse.saidMs)).length;
    const stuck = count(({ isProgressing }) => !isProgressing);
    const mute = count(({ doesBeat }) => !doesBeat);
    return [
      ...(longestMs > standstillMs ? [`${name} stood still for ${Math.round(longestMs)} ms`] : []),
      ...(lastMs > lastStandstillMs ? [`${name} stood still for ${lastMs} ms until it died`] : []),
      ...(pulses.length === 0 && endMs === undefined ? [`${name} never said how it is`] : []),
      ...(stuck > 0 ? [`${name} said ${stuck} times that it does not progress`] : []),
      ...(mute > 0 ? [`${name} said ${mute} times that it does not beat`] : []),
    ];
  });
}

function pulsesOf({ pulses }: Observed, name: string): readonly Pulse[] {
  const ofLaunch = pulses.filter(({ launch }) => launch === name);
  return ofLaunch.toSorted((left, right) => left.saidMs - right.saidMs);
}

function isStarved(pulses: readonly Pulse[], atMs: number): boolean {
  const recent = pulses.filter(({ saidMs }) => saidMs <= atMs && saidMs > atMs - starvedWithinMs);
  return recent.reduce((sum, pulse) => sum + pulse.starvedMs, 0) > starvedMs;
}

/** Who looks at nothing finds nothing wrong. */
function findMissingLooks({ launches, looks, deaths }: Observed): string[] {
  const others = new Set([survivorName, ...deaths.map(({ launch }) => launch)]);
  return launches.flatMap(({ name }) => {
    if (others.has(name)) return [];
    const seen = new Set(looks.filter(({ launch }) => launch === name).map(({ when }) => when));
    const missing = (["before work", "at work", "at rest"] as const).filter((when) => !seen.has(when));
    return missing.map((when) => `nobody looked at the workers ${when} in ${name}`);
  });
}

function findWrongLook({ facts, launches, deaths }: Observed, look: Look): string[] {
  const { launch, when, atMs } = look;
  const dead = new Set(deaths.filter((death) => death.atMs < atMs).map((death) => death.launch));
  const silent = facts.workers.filter(({ name, is_stopped }) => dead.has(name) && !is_stopped).length;
  // At rest it has been told to stop.
  const hasSurvivor = when !== "at rest" && launches.some(({ name }) => name === survivorName);
  const live = (hasSurvivor ? 1 : 0) + (when === "before work" ? 0 : 1);
  const served = new Set(hasSurvivor ? survivorQueues : []);
  const unserved = when === "before work" ? look.due.filter((queue) => !served.has(queue)) : [];
  const wrong: string[] = [];
  const say = (what: string): void => void wrong.push(`${when} of ${launch} ${what}`);
  if (look.silent !== silent) say(`${look.silent} workers were seen as silent; ${silent} had died`);
  if (look.live !== live) say(`${look.live} workers were seen as live; there were ${live}`);
  const [seen, expected] = [look.unserved, unserved].map((queues) => queues.toSorted().join(", ") || "none");
  if (seen !== expected) say(`the queues seen without a worker were ${seen}, not ${expected}`);
  return wrong;
}

/** A process that dies may take with it what it was to tell; nobody is taken for lost who lives. */
function findUntoldLosses(observed: Observed): string[] {
  const { facts, losses, deaths } = observed;
  const sinceMs = lastDeathMs(observed);
  const dead = new Set(deaths.map(({ launch }) => launch));
  const names = new Map(facts.workers.map(({ id, name }) => [id, name]));
  const wrong = losses.flatMap(({ launch, worker, name, atMs }) => {
    const known = names.get(worker);
    const mayBeLost = known === undefined || dead.has(known) || isStarved(pulsesOf(observed, known), atMs);
    return mayBeLost ? [] : [`${launch} took ${name} for lost, which lived`];
  });
  const takenBack = facts.attempts.filter(
    ({ outcome, error_code, finished_ms }) =>
      outcome === "crashed" && error_code === "worker_died" && (finished_ms ?? 0) > sinceMs,
  );
  for (const [worker, { length }] of Map.groupBy(takenBack, (attempt) => attempt.worker)) {
    const told = losses.reduce((sum, loss) => sum + (loss.worker === worker ? loss.jobs : 0), 0);
    if (told < length)
      wrong.push(
        `${length} jobs were taken back from the worker of ${names.get(worker) ?? "nobody"}; ${told} were told of`,
      );
  }
  return wrong;
}

function findMiscountedCrashes(observed: Observed): string[] {
  const { facts, crashCounts, launches } = observed;
  const sinceMs = lastDeathMs(observed);
  const crashes = facts.attempts.filter(({ outcome }) => outcome === "crashed");
  const recent = crashes.filter(({ finished_ms }) => (finished_ms ?? 0) > sinceMs);
  // One that lived through the deaths counts what it took back before the last of them, too.
  const most = launches.some(({ name }) => name === survivorName) ? crashes : recent;
  return Object.values(tasks).flatMap(({ name }) => {
    // Its jobs are purged as soon as they have ended, with their attempts.
    if (name === tasks.fleeting.name) return [];
    const ofTask = (attempts: typeof crashes): number => attempts.filter(({ task }) => task === name).length;
    const counted = crashCounts.reduce((sum, { task, count }) => sum + (task === name ? count : 0), 0);
    const isRight = counted >= ofTask(recent) && counted <= ofTask(most);
    return isRight ? [] : [`${counted} crashes of ${name} were counted; there were ${ofTask(recent)}`];
  });
}
