import type { ErrorItem, MillraceError } from "@millrace/kernel";
import { invalidRequest, malformedJson } from "./errors.ts";

/** Our deepest body has 4 levels; deeper ones only serve to exhaust the stack of whatever walks them. */
const maxDepth = 32;

/** A bulk request has a few thousand values; an attack packs hundreds of thousands into 1 MiB. */
const maxValues = 100_000;

/**
 * Checks a parsed JSON body before any schema walks it: depth, number of values, and text that
 * Postgres can't store (U+0000, halves of surrogate pairs). Throws `malformed_json` or
 * `invalid_request`.
 */
export function assertStorableJson(body: unknown): void {
  const waiting: Visit[] = [{ value: body, depth: 0, pointer: "" }];
  let visited = 0;
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    visited += 1;
    if (visited > maxValues)
      throw malformedJson(`The body has more than ${maxValues} values. Send less at once.`);
    if (typeof visit.value === "string") assertStorableText(visit.value, visit.pointer);
    if (typeof visit.value !== "object" || visit.value === null) continue;
    if (visit.depth === maxDepth) throw malformedJson(`The body is nested deeper than ${maxDepth} levels.`);
    // A wide array must not be copied onto the stack before the limit can stop it.
    const entries = Object.entries(visit.value);
    if (visited + waiting.length + entries.length > maxValues) {
      throw malformedJson(`The body has more than ${maxValues} values. Send less at once.`);
    }
    for (const [key, value] of entries) {
      assertStorableText(key, visit.pointer);
      waiting.push({ value, depth: visit.depth + 1, pointer: `${visit.pointer}/${escaped(key)}` });
    }
  }
}

type Visit = { readonly value: unknown; readonly depth: number; readonly pointer: string };

/** Whether Postgres can store this text and give it back as it was. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\u0000");
}

/** The item of `errors[]` for a text that can't be stored. */
export function unstorableText(pointer: string): ErrorItem {
  return {
    pointer,
    code: "invalid_characters",
    message: "The text has a NUL character or half of a surrogate pair. Remove it.",
  };
}

function assertStorableText(text: string, pointer: string): void {
  if (!isStorableText(text)) throw invalidText(pointer);
}

function invalidText(pointer: string): MillraceError {
  return invalidRequest("Some text of the body can't be stored. `errors` says where.", [
    unstorableText(pointer),
  ]);
}

/** JSON Pointer (RFC 6901). Very long keys are shortened: the pointer goes back to the client. */
function escaped(key: string): string {
  return key.slice(0, 200).replaceAll("~", "~0").replaceAll("/", "~1");
}
