import { z } from "zod";

/** Asks for one JSON object of a schema. In words, because agents with tools can't be held to a form. */
export function schemaPrompt(schema: z.ZodType): string {
  const described = JSON.stringify(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  return `Your final answer must be one JSON object and nothing else: no explanation, no Markdown fence. It must match this JSON Schema:\n${described}`;
}

export function repairPrompt(problem: string): string {
  return `Your answer can't be used: ${problem}\nGive it again as one JSON object that fits the schema, and nothing else.`;
}
