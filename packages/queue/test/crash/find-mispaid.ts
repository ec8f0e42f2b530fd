/** I4. What a step writes with its record is written once, by who recorded it, and for what its call cost. */
import type { Observed } from "./observed.ts";
import { payStep, tasks } from "./victim-tasks.ts";

/** What the rates of the victim's tasks allow at once. */
const bucketSize = 1;
/** Tokens are fractions. */
const tokenSlack = 1e-6;

export function findMispaid(observed: Observed): string[] {
  return [...findPaidTwice(observed), ...findWrongSums(observed), ...findMiscountedEnds(observed)];
}

function findPaidTwice({ facts }: Observed): string[] {
  const paid = Map.groupBy(facts.ledger, ({ job }) => job);
  return facts.jobs.flatMap(({ id, task, state }) => {
    const count = paid.get(id)?.length ?? 0;
    const isRight = task === tasks.steps.name && state === "succeeded" ? count === 1 : count <= 1;
    return isRight ? [] : [`job ${id} has paid ${count} times`];
  });
}

/** The ledger has exactly what was accepted: what the calls cost whose steps were recorded, and nothing else. */
function findWrongSums({ facts, calls }: Observed): string[] {
  const claimOf = ({ job, fence }: { readonly job: string; readonly fence: number }) => `${job} ${fence}`;
  const recorded = new Set(
    facts.steps.filter(({ key, state }) => key === payStep && state === "done").map(claimOf),
  );
  const prices = new Map(
    calls.filter(({ name }) => name === payStep).map((call) => [claimOf(call), call.price]),
  );
  const wrong = facts.ledger.flatMap((row) => {
    const claim = claimOf(row);
    if (!recorded.has(claim)) return [`claim ${row.fence} of job ${row.job} has paid and recorded no step`];
    return prices.get(claim) === row.price
      ? []
      : [`job ${row.job} has paid ${row.price} for a call that cost ${prices.get(claim)}`];
  });
  const charged = facts.ledger.reduce((sum, { price }) => sum + price, 0);
  const accepted = [...recorded].reduce((sum, claim) => sum + (prices.get(claim) ?? 0), 0);
  if (charged !== accepted)
    wrong.push(`${charged} were charged in all; the calls that were accepted cost ${accepted}`);
  const overdrawn = facts.limiters.filter(
    ({ tokens }) => tokens < -tokenSlack || tokens > bucketSize + tokenSlack,
  );
  for (const { key, tokens } of overdrawn) wrong.push(`the limiter ${key} has ${tokens} starts left`);
  return wrong;
}

type Count = { readonly of: string; readonly count: number };

/** Each end is counted once for its queue, and at most once for its task. */
function findMiscountedEnds({ facts }: Observed): string[] {
  const known = new Set(facts.jobs.map(({ id }) => id));
  const purged = facts.ends.filter(({ job }) => !known.has(job)).map(() => ({ queue: tasks.fleeting.queue }));
  const ofQueues = facts.queue_ends
    .filter(({ state }) => state === "succeeded")
    .map(({ queue, count }) => ({ of: queue, count }));
  const succeeded = [...facts.jobs.filter(({ state }) => state === "succeeded"), ...purged];
  const real = countBy(succeeded.map(({ queue }) => queue));
  const wrong = compare(ofQueues, real, real).map((what) => `queues: ${what}`);

  // The first are for a share: those of a process that dies are lost, but none is counted twice.
  const won = facts.attempts.filter(
    ({ outcome, task }) => outcome === "succeeded" && task !== tasks.fleeting.name,
  );
  const ofTasks = facts.task_ends
    .filter(({ state, task }) => state === "succeeded" && task !== tasks.fleeting.name)
    .map(({ task, count }) => ({ of: task, count }));
  const byTask = compare(ofTasks, new Map(), countBy(won.flatMap(({ task }) => task ?? [])));
  return [...wrong, ...byTask.map((what) => `tasks: ${what}`)];
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, { length }]) => [name, length]));
}

function compare(
  told: readonly Count[],
  least: ReadonlyMap<string, number>,
  most: ReadonlyMap<string, number>,
): string[] {
  const counts = new Map(told.map(({ of, count }) => [of, count]));
  return [...new Set([...counts.keys(), ...most.keys()])].flatMap((of) => {
    const count = counts.get(of) ?? 0;
    const [atLeast, atMost] = [least.get(of) ?? 0, most.get(of) ?? 0];
    return count >= atLeast && count <= atMost
      ? []
      : [`${count} ends in success are counted for ${of}; there were ${atLeast} to ${atMost}`];
  });
}
