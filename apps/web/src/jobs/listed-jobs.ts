import type { Job } from "@millrace/contracts";

/** A row: a job that the list began with, as it is known now. */
export type ListedJob = {
  readonly job: Job;
  /** It was in the list and is no more: it changed, or was cleared away. It stays where it was. */
  readonly hasLeft: boolean;
};

/** The newest jobs as a later request saw them, newest first. */
export type FreshJobs = {
  readonly jobs: readonly Job[];
  /** There are no older ones than these. */
  readonly isWhole: boolean;
};

/**
 * Brings rows up to date without moving them: what came since is only counted, what no longer belongs
 * stays until the list is asked for anew. Ids are ordered by time, so they say what is newer.
 */
export function withFresh(
  listed: readonly Job[],
  fresh: FreshJobs | undefined,
): { readonly rows: readonly ListedJob[]; readonly newCount: number } {
  if (fresh === undefined) return { rows: listed.map((job) => ({ job, hasLeft: false })), newCount: 0 };
  const byId = new Map(fresh.jobs.map((job) => [job.id, job]));
  const oldest = fresh.isWhole ? "" : (fresh.jobs.at(-1)?.id ?? "");
  const newest = listed[0]?.id ?? "";
  return {
    rows: listed.map((job) => {
      const now = byId.get(job.id);
      return { job: now ?? job, hasLeft: now === undefined && job.id >= oldest };
    }),
    newCount: fresh.jobs.filter(({ id }) => id > newest).length,
  };
}
