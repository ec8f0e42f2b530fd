import { defineConfig, defineTool, z } from "millrace";

/** Words that most people read in a minute. */
const wordsPerMinute = 230;

const readingTime = defineTool({
  name: "reading_time",
  description: "How many minutes it takes to read a text.",
  input: z.object({ text: z.string() }),
  run: async ({ text }) => {
    const words = text.split(/\s+/).filter((word) => word !== "").length;
    return `${(words / wordsPerMinute).toFixed(1)} minutes for ${words} words`;
  },
});

export default defineConfig({
  tools: { reading_time: readingTime },
  schemas: { announcement: z.object({ title: z.string().max(70), teaser: z.string() }) },
  guardrails: {
    has_heading: ({ raw }) =>
      raw.trimStart().startsWith("#") ? { ok: true } : { ok: false, problem: "Begin with a heading: # …" },
  },
});
