import type { ClaimedJob } from "../jobs/job-row.ts";
import type { ExecuteParts, Execution } from "../worker/execution.ts";
import { ChildPool } from "./child-pool.ts";

/** Runs one claimed job in a process of its own, which ends with it. See `ChildPool.run`. */
export function runInChild(
  parts: ExecuteParts,
  { entry, job }: { readonly entry: URL; readonly job: ClaimedJob },
): Execution {
  return new ChildPool(parts, { entry, maxChildren: 1 }).run(job);
}
