import type { CrewShape } from "@millrace/contracts";
import { readJson } from "../jobs/json-input.ts";

export type CrewInput = CrewShape["inputs"][number];

/** What is typed, by the name of the input. */
export type TypedInputs = Readonly<Record<string, string>>;

/** Text for what is written into a prompt as it is; JSON where the default is something else. */
export function isJsonInput(input: CrewInput): boolean {
  return !input.required && input.default !== null && typeof input.default !== "string";
}

/** The default in words, for below the field; undefined when there is none. */
export function defaultWords({ required, default: value }: CrewInput): string | undefined {
  if (required || value === null || value === "") return undefined;
  return `If empty: ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

export type ReadInputs =
  | { readonly inputs: Record<string, CrewInput["default"]> }
  | { readonly errors: Readonly<Record<string, string>> };

/** The inputs to send, without those that are left to their default; or what is wrong with which. */
export function readInputs(inputs: readonly CrewInput[], typed: TypedInputs): ReadInputs {
  const values: Record<string, CrewInput["default"]> = {};
  const errors: Record<string, string> = {};
  for (const input of inputs) {
    const value = typed[input.name] ?? "";
    if (value.trim() === "") {
      if (input.required) errors[input.name] = "The crew needs this.";
    } else if (isJsonInput(input)) {
      const read = readJson(value);
      if ("error" in read) errors[input.name] = read.error;
      else values[input.name] = read.value as CrewInput["default"]; // Anything that was read as JSON.
    } else values[input.name] = value;
  }
  return Object.keys(errors).length > 0 ? { errors } : { inputs: values };
}
