import type { PreparedJob } from "../jobs/enqueue.ts";
import { startEnqueueSpan } from "./spans.ts";
import { currentTraceParent, findTracer } from "./trace-context.ts";

/**
 * Writes jobs within a span of each, given to `write` with the trace context to be stored; one that the
 * caller gave by hand stays. To be called where the caller's span is active. Outside of any trace, and
 * without OpenTelemetry in the process, `write` gets the very jobs.
 */
export function traceEnqueues<Result>(
  jobs: readonly PreparedJob[],
  write: (jobs: readonly PreparedJob[]) => Promise<Result>,
): Promise<Result> {
  const isTraced = findTracer() !== undefined || currentTraceParent() !== null;
  return isTraced ? writeTraced(jobs, write) : write(jobs);
}

async function writeTraced<Result>(
  jobs: readonly PreparedJob[],
  write: (jobs: readonly PreparedJob[]) => Promise<Result>,
): Promise<Result> {
  const spans = jobs.map(({ id, task }) => startEnqueueSpan({ id, task: task.name, queue: task.queue }));
  const traced = jobs.map((job, index) => {
    const traceParent = spans[index]?.traceParent ?? null;
    return { ...job, options: { traceParent, ...job.options } };
  });
  try {
    const written = await write(traced);
    for (const span of spans) span.end();
    return written;
  } catch (error) {
    for (const span of spans) span.end(error);
    throw error;
  }
}
