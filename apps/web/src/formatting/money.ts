/** What something cost, with how many of its parts nobody knows the price of. */
export type Cost = {
  /** US dollars, of the parts whose price is known. */
  readonly cost: number;
  /** How many parts have no known price. */
  readonly unpriced: number;
};

const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
/** Single calls cost fractions of a cent. */
const fine = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumSignificantDigits: 2,
});

/** US dollars: "$12.40", and below ten cents with two digits that mean something: "$0.0042". */
export function formatDollars(dollars: number): string {
  if (!Number.isFinite(dollars)) return "unknown";
  if (dollars === 0) return "$0";
  if (dollars < 0.000_001) return "< $0.000001";
  return dollars < 0.0995 ? fine.format(dollars) : cents.format(dollars);
}

/** A sum in which something may be unknown: "at least $1.20", or "unknown" where that would be at least nothing. */
export function costWords({ cost, unpriced }: Cost): string {
  if (unpriced === 0) return formatDollars(cost);
  return cost === 0 ? "unknown" : `at least ${formatDollars(cost)}`;
}
