import { sql } from "millrace";
import type { JobContext } from "millrace";

type Context = Pick<JobContext<unknown>, "job" | "signal" | "step" | "transaction">;

/** The number of this claim. Asked for in a transaction that is refused to any other. */
export async function readFence({ job, transaction }: Context): Promise<number> {
  return await transaction(async (scope) => {
    const found = await sql<{ fence: number }>`SELECT fence FROM job WHERE id = ${job.id}`.execute(
      scope.transaction,
    );
    const [row] = found.rows;
    if (row === undefined) throw new Error("The job is no longer there.");
    return row.fence;
  });
}

/** A step that calls the world outside, which notes it, and pays in the transaction that records the step. */
export async function paidStep(context: Context, key: string, call: { fence: number; holdMs: number }) {
  const { job, signal, step } = context;
  await step(key, (ofStep) => callOutside({ job: job.id, key, ...call }, AbortSignal.any([signal, ofStep])), {
    record: async (scope) => {
      await sql`INSERT INTO chaos_ledger (job_id, step, fence) VALUES (${job.id}, ${key}, ${call.fence})`.execute(
        scope.transaction,
      );
    },
  });
}

async function callOutside(call: object, signal: AbortSignal): Promise<true> {
  const response = await fetch(`${process.env.CHAOS_OUTSIDE_URL}/call`, {
    method: "POST",
    body: JSON.stringify(call),
    signal,
  });
  if (!response.ok) throw new Error(`The world outside answered ${response.status}.`);
  return true;
}
