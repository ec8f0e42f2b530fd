/** The names that somebody may have meant, the likeliest first, at most three. */
export function nearNames(given: string, names: Iterable<string>): string[] {
  const wanted = given.toLowerCase();
  const furthest = Math.max(2, Math.floor(wanted.length / 3));
  return [...new Set(names)]
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= furthest)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** " Did you mean a or b?", or nothing when no name is near. */
export function suggestion(given: string, names: Iterable<string>): string {
  const near = nearNames(given, names);
  return near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
}

/** A name that only lacks what stands before or after it is near, whatever its length. */
function distanceOf(wanted: string, name: string): number {
  if (wanted.length > 2 && (name.endsWith(`.${wanted}`) || name.startsWith(`${wanted}.`))) return 1;
  return editDistance(wanted, name);
}

/** Characters to insert, remove or replace. The longest names have 120. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const removed = (above[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, inserted));
    }
    above = current;
  }
  return above[to.length] ?? 0;
}
