import { z } from "zod";
import type { CrewRegistries } from "../src/index.ts";
import { calculator, defineTool } from "../src/index.ts";

/** What the crews in `fixtures` name. */
export const registries: CrewRegistries = {
  tools: {
    calculator,
    lookup: defineTool({
      name: "lookup",
      description: "Looks something up.",
      input: z.object({ word: z.string() }),
      cost: 0.01,
      run: async ({ word }, { owner }) => `${word} is known to ${owner ?? "nobody"}`,
    }),
  },
  schemas: { rating: z.object({ stars: z.int().min(1).max(5), reason: z.string() }) },
  callbacks: { watch: () => undefined },
  guardrails: {
    has_words: (output) =>
      output.raw.includes(" ") ? { ok: true } : { ok: false, problem: "It needs more than one word." },
  },
  conditions: { was_short: (previous) => previous.raw.length < 100 },
  models: { "openai/gpt-4o": "openai-compatible:gpt-4o" },
};
