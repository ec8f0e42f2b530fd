/** A vector as the database reads it. Seven digits are all that a stored number keeps; more would only be longer. */
export function vectorText(vector: readonly number[]): string {
  return `[${vector.map((value) => Number(value.toPrecision(7))).join(",")}]`;
}
