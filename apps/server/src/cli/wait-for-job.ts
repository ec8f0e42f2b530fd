import { isTerminal, jobDetailSchema } from "@millrace/contracts";
import type { Job, JobDetail } from "@millrace/contracts";
import { interrupted, waitTimedOut } from "./errors.ts";
import type { ApiClient } from "./server/api-client.ts";
import { askPatiently } from "./server/ask-patiently.ts";

/**
 * A job when it has ended. Asks again as often as it takes: a server answers after 30 seconds at most, and may be
 * restarted. Throws
 * `wait_timed_out` after so many seconds, and `interrupted`; the job goes on then.
 */
export async function waitForJob(
  client: ApiClient,
  { id }: Job,
  { seconds, stopped }: { readonly seconds: number | undefined; readonly stopped: AbortSignal },
): Promise<JobDetail> {
  process.stderr.write(`Job ${id}\n`);
  const time = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000);
  const signal = time === undefined ? stopped : AbortSignal.any([stopped, time]);
  try {
    for (;;) {
      const headers = { prefer: "wait=30" };
      const ask = () => client.call(`/api/jobs/${id}`, jobDetailSchema, { headers, signal });
      const job = await askPatiently(ask, signal);
      if (isTerminal(job.state)) return job;
    }
  } catch (error) {
    const whatNext = `The job goes on: millrace jobs get ${id}`;
    if (stopped.aborted) {
      process.stderr.write(`${whatNext}\n`);
      throw interrupted();
    }
    if (time?.aborted) throw waitTimedOut(seconds ?? 0, whatNext);
    throw error;
  }
}
