import { defineTask, handleTask, sql, z } from "millrace";
import type { TaskParts } from "millrace";
import { recordCharge } from "@millrace/usage";
import { readFence } from "./outside.ts";
import { enduring } from "./tasks/work.ts";

const ask = defineTask({
  name: "chaos.ask",
  input: z.object({ index: z.number() }),
  output: z.number().nullable(),
  ...enduring,
});

/** One step that asks a chat model, and pays and charges for it in the transaction that records it. */
export function handleAsk({ models }: Pick<TaskParts, "models">) {
  return handleTask({
    task: ask,
    run: async (context) => {
      const { input, job, step } = context;
      const { id, owner } = job;
      const fence = await readFence(context);
      const key = "ask";
      const { usage } = await step(
        key,
        (signal) =>
          models.generateText({
            purpose: "chaos.ask",
            origin: { owner, job: id, step: key },
            instructions: "Say what the text is about.",
            // Nobody has asked this before, so no answer is stored.
            text: `This is claim ${fence} of job ${id}. Mill ${input.index} grinds corn. Its miller is content.`,
            signal,
          }),
        {
          record: async ({ transaction }, { model, usage: used, cost, cached }) => {
            await recordCharge(transaction, { job: id, step: key, owner, model, usage: used, cost, cached });
            await sql`INSERT INTO chaos_ledger (job_id, step, fence) VALUES (${id}, ${key}, ${fence})`.execute(
              transaction,
            );
          },
        },
      );
      return usage.outputTokens;
    },
  });
}
