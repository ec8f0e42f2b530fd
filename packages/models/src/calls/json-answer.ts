import { parseJson } from "@millrace/kernel";
import type { z } from "zod";
import { repairJson } from "./repair-json.ts";

export type JsonAnswer<T> =
  | { readonly ok: true; readonly value: T }
  /** `problem` says what is wrong, in words a model understands. It quotes no document text. */
  | { readonly ok: false; readonly problem: string };

/**
 * Reads a model's answer as JSON of a schema: as it stands, else without fences and the prose around
 * it, else repaired (quotes, commas, missing brackets).
 */
export function readJsonAnswer<T>(text: string, schema: z.ZodType<T>): JsonAnswer<T> {
  const inner = insideBraces(withoutReasoning(text));
  let problem = "The answer contains no JSON object.";
  for (const candidate of [() => text, () => inner, () => repairJson(inner)]) {
    const parsed = attempt(candidate);
    if (parsed === undefined) continue;
    const checked = schema.safeParse(parsed.value);
    if (checked.success) return { ok: true, value: checked.data };
    problem = checked.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join(".") || "the object"}: ${issue.message}`)
      .join("; ");
  }
  return { ok: false, problem };
}

function attempt(candidate: () => string): { value: unknown } | undefined {
  try {
    return { value: parseJson(candidate()) };
  } catch {
    // Not JSON in this form: the next form is tried.
    return undefined;
  }
}

/** Local models think aloud before they answer. */
function withoutReasoning(text: string): string {
  const end = text.lastIndexOf("</think>");
  return end === -1 ? text : text.slice(end + "</think>".length);
}

/** From the first brace to its partner at the end; to the end of the text when it never closes. */
function insideBraces(text: string): string {
  const start = text.indexOf("{");
  if (start === -1) return text;
  const end = text.lastIndexOf("}");
  return end > start ? text.slice(start, end + 1) : text.slice(start);
}
