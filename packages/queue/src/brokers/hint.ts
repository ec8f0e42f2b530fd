import type { Hint } from "./broker.ts";

/** As many ids as a hint carries for the eye. */
const maxIds = 20;

export type ReadyJob = {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly priority?: number;
};

/** One hint for each queue of jobs that became ready together. */
export function hintsOf(jobs: readonly ReadyJob[]): Hint[] {
  // Every enqueue comes here: of many jobs only counts and the highest priority are gathered.
  return [...Map.groupBy(jobs, ({ queue }) => queue)].map(([queue, ready]) => {
    const priority = ready.reduce((highest, job) => Math.max(highest, job.priority ?? -1), -1);
    const task = ready[0]?.task;
    return {
      queue,
      count: ready.length,
      jobIds: ready.slice(0, maxIds).map(({ id }) => id),
      ...(task === undefined ? {} : { task }),
      ...(priority < 0 ? {} : { priority }),
    };
  });
}

/** That a queue is worth a look, of which nobody has counted the jobs. */
export function bareHint(queue: string): Hint {
  return { queue, count: 1, jobIds: [] };
}

/** Two hints of one queue as one. */
export function mergeHints(first: Hint, second: Hint): Hint {
  const task = first.task ?? second.task;
  const priority = Math.max(first.priority ?? -1, second.priority ?? -1);
  return {
    queue: first.queue,
    count: first.count + second.count,
    jobIds:
      first.jobIds.length >= maxIds ? first.jobIds : [...first.jobIds, ...second.jobIds].slice(0, maxIds),
    ...(task === undefined ? {} : { task }),
    ...(priority < 0 ? {} : { priority }),
  };
}
