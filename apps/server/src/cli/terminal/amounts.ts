/** Counts with commas between thousands. */
export function shortCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** US dollars with as many digits as they need to say something. */
export function shortDollars(dollars: number): string {
  if (dollars === 0) return "$0";
  return dollars < 1 ? `$${dollars.toPrecision(2)}` : `$${dollars.toFixed(2)}`;
}
