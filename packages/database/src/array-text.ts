/** Neither syntax of an array literal nor white space; four letters could be NULL. */
const isBare = /^(?!null$)[\w-]+$/i;

/**
 * A one-dimensional array as PostgreSQL reads it, for a parameter with a cast: `${arrayText(ids)}::uuid[]`.
 * For columns of many rows: both drivers take several times as long for an array given to them, most of all
 * where one value is repeated.
 */
export function arrayText(items: readonly (string | number | null)[]): string {
  let last: string | number | null | undefined;
  let element = "";
  const elements = items.map((item) => {
    if (item !== last) element = elementText(item);
    last = item;
    return element;
  });
  return `{${elements.join(",")}}`;
}

function elementText(item: string | number | null): string {
  if (item === null) return "NULL";
  if (typeof item === "number") return String(item);
  if (isBare.test(item)) return item;
  const escaped = item.includes("\\") ? item.replaceAll("\\", "\\\\") : item;
  return `"${escaped.includes('"') ? escaped.replaceAll('"', '\\"') : escaped}"`;
}
