import type { WaitingFor } from "@millrace/contracts";

export type Choice = { readonly label: string; readonly value: string | number | boolean };

/** How a person is asked for an answer, by what its JSON Schema takes. */
export type AnswerKind =
  | { readonly kind: "choices"; readonly choices: readonly Choice[] }
  | { readonly kind: "text" }
  | { readonly kind: "number" }
  | { readonly kind: "json" };

const yesOrNo: readonly Choice[] = [
  { label: "Yes", value: true },
  { label: "No", value: false },
];

/** Text where anything is taken: whoever wants to be given more says so in the schema. */
export function answerKind(schema: WaitingFor["schema"]): AnswerKind {
  if (schema === null) return { kind: "text" };
  const choices = Array.isArray(schema.enum) ? schema.enum.map(toChoice) : [];
  if (choices.length > 0 && choices.every((choice) => choice !== undefined))
    return { kind: "choices", choices };
  switch (schema.type) {
    case "boolean":
      return { kind: "choices", choices: yesOrNo };
    case "string":
      return { kind: "text" };
    case "number":
    case "integer":
      return { kind: "number" };
    default:
      return { kind: "json" };
  }
}

function toChoice(value: unknown): Choice | undefined {
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isPlain ? { label: String(value), value } : undefined;
}
