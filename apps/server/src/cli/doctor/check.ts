import { isMillraceError, toError } from "@millrace/kernel";

/** What was looked at and how it is. A warning does not keep Millrace from working. */
export type Check = {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly detail: string;
};

/** Looks at one thing; what it throws is the problem. */
export async function check(name: string, look: () => Promise<Omit<Check, "name">>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    const error = toError(thrown);
    const code = isMillraceError(thrown) ? ` (${thrown.code})` : "";
    return { name, state: "problem", detail: `${error.message}${code}` };
  }
}

export function fine(detail: string): Omit<Check, "name"> {
  return { state: "ok", detail };
}

export function warning(detail: string): Omit<Check, "name"> {
  return { state: "warning", detail };
}

export function problem(detail: string): Omit<Check, "name"> {
  return { state: "problem", detail };
}
