import { isApiProblem } from "../api/problem.ts";

/** What a person typed as JSON: its value, or why it is none. */
export type ReadJson = { readonly value: unknown } | { readonly error: string };

/** Reads typed JSON. Nothing at all means an empty object. */
export function readJson(text: string): ReadJson {
  if (text.trim() === "") return { value: {} };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { error: `This is not JSON. ${error instanceof Error ? error.message : ""}`.trim() };
  }
}

/** What a refusal says, by field: what belongs to none of these stays with the whole. */
export type FieldErrors<Field extends string> = {
  readonly fields: Partial<Record<Field, string>>;
  readonly rest: string | undefined;
};

/**
 * Sorts the errors of a refused request to the fields of a form, by the first name in the pointer, with
 * the path below it named: `/input/pages/0` belongs to `input`, and `/options/priority` to `priority`.
 */
export function errorsByField<Field extends string>(
  thrown: unknown,
  names: readonly Field[],
): FieldErrors<Field> {
  if (!isApiProblem(thrown)) {
    return {
      fields: {},
      rest: thrown instanceof Error ? thrown.message : "Something went wrong. Try again.",
    };
  }
  const fields: Partial<Record<Field, string>> = {};
  const others: string[] = [];
  for (const { pointer, detail } of thrown.errors) {
    const [, ...path] = pointer
      .replace(/^\/body(?=\/|$)/, "")
      .replace(/^\/options(?=\/)/, "")
      .split("/");
    const name = names.find((candidate) => candidate === path[0]);
    if (name === undefined) {
      others.push(pointer === "" ? detail : `${pointer}: ${detail}`);
      continue;
    }
    const below = path.slice(1).join(".");
    const said = below === "" ? detail : `${below}: ${detail}`;
    fields[name] = fields[name] === undefined ? said : `${fields[name]}\n${said}`;
  }
  const isExplained = Object.keys(fields).length > 0 && others.length === 0;
  return { fields, rest: isExplained ? undefined : [thrown.message, ...others].join(" ") };
}
