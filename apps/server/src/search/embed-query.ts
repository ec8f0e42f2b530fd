import type { Models } from "@millrace/models";
import { defineTask, handleTask } from "@millrace/queue";
import type { AnyTaskHandler } from "@millrace/queue";
import { z } from "zod";

/** Behind a search that waits for it: worth nothing later, and kept only so long that one can look at it. */
export const embedQuery = defineTask({
  name: "search.embed_query",
  description: "Makes the vector of a search query with the embedding model.",
  queue: "chat",
  priority: 9,
  input: z.strictObject({
    query: z.string(),
    /** Of the space that answers. Absent from producers before there were spaces, and where there is none. */
    model: z.object({ name: z.string(), revision: z.string() }).optional(),
  }),
  output: z.object({ model: z.string(), vector: z.array(z.number()) }),
  retries: 0,
  softLimitMs: 10_000,
  hardLimitMs: 20_000,
  expiresInMs: 10_000,
  retention: { succeededDays: 0.01, otherEndsDays: 1 },
  redact: ["query"],
});

export function handleEmbedQuery(models: Models): AnyTaskHandler {
  return handleTask({
    task: embedQuery,
    run: async ({ input, job, signal }) => {
      const { vectors, model } = await models.embed({
        purpose: "search.query",
        origin: { owner: job.owner, job: job.id },
        ...(input.model === undefined ? {} : { model: input.model }),
        texts: [input.query],
        signal,
      });
      return { model, vector: vectors[0] ?? [] };
    },
  });
}
