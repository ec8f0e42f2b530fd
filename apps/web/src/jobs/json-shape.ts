/** Members shown of a list or an object before one asks for more. */
export const membersAtOnce = 100;
/** Characters shown of a text before one asks for the rest. */
export const charactersAtOnce = 1000;

/** Containers this deep, and no fuller than this, stand open at first. */
const openDepth = 2;
const openMembers = 30;

export type JsonMember = { readonly name: string; readonly value: unknown };

/** The members of a list or an object; undefined for what has none, such as texts and numbers. */
export function membersOf(value: unknown): readonly JsonMember[] | undefined {
  if (Array.isArray(value))
    return value.map((item: unknown, index) => ({ name: String(index), value: item }));
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).map(([name, member]: [string, unknown]) => ({ name, value: member }));
}

/** "3 items" or "1 field": what a closed container holds. */
export function sizeWords(value: unknown, count: number): string {
  const noun = Array.isArray(value) ? "item" : "field";
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function isOpenAtFirst(depth: number, count: number): boolean {
  return depth < openDepth && count <= openMembers;
}

/** Whether there is anything in it to look at. */
export function isEmptyJson(value: unknown): boolean {
  return value === null || value === undefined || membersOf(value)?.length === 0;
}

/** Indented text of any JSON value. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "null";
}
