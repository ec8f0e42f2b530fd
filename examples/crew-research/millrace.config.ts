import { defineConfig, z } from "millrace";

const answer = z.object({
  found: z.boolean(),
  answer: z.string(),
  quotes: z.array(z.object({ document: z.string(), text: z.string() })),
});

export default defineConfig({
  schemas: { answer },
  guardrails: {
    rests_on_quotes: ({ json }) => {
      const { found, quotes } = answer.parse(json);
      return !found || quotes.length > 0
        ? { ok: true }
        : { ok: false, problem: "Quote the passages that the answer rests on." };
    },
  },
});
