import type { JobContext } from "@millrace/queue";
import { recordCharge } from "@millrace/usage";
import type { StepRunner } from "../analysis/analysis-steps.ts";

/** Steps of a job, each charged once: in the transaction that records it. */
export function chargedSteps(context: Pick<JobContext<unknown>, "job" | "step">): StepRunner {
  const { id: job, owner } = context.job;
  return (step, run) =>
    context.step(step, run, {
      record: async ({ transaction }, { charge }) => {
        if (charge !== undefined) await recordCharge(transaction, { ...charge, job, step, owner });
      },
    });
}
