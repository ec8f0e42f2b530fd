import type { UsageRow } from "@millrace/contracts";

const dayMs = 86_400_000;

/** How far back the page can look, in days with today. */
export const periods = ["7", "30", "90"] as const;
export type Period = (typeof periods)[number];
export const usualPeriod: Period = "30";

export function readPeriod(value: unknown): Period | undefined {
  return periods.find((period) => period === value);
}

/** When the first day of a period begins. Days are those of UTC, as the server counts them. */
export function startOf(period: Period, nowMs: number): string {
  return new Date(Math.floor(nowMs / dayMs) * dayMs - (Number(period) - 1) * dayMs).toISOString();
}

export const measures = ["cost", "tokens", "calls"] as const;
export type Measure = (typeof measures)[number];

export type UsageSums = Omit<UsageRow, "day" | "model" | "purpose">;

/** A day of the chart: a day without calls has none of the sums. */
export type UsageDay = { readonly day: string; readonly sums: UsageSums | undefined };

/** Each day of the period, the oldest first, also those without calls. */
export function everyDay(rows: readonly UsageRow[], period: Period, nowMs: number): UsageDay[] {
  const known = new Map(rows.map((row) => [row.day, row]));
  const firstMs = Date.parse(startOf(period, nowMs));
  return Array.from({ length: Number(period) }, (_, index) => {
    const day = new Date(firstMs + index * dayMs).toISOString().slice(0, 10);
    return { day, sums: known.get(day) };
  });
}

export function measured(sums: UsageSums | undefined, measure: Measure): number {
  if (sums === undefined) return 0;
  if (measure === "tokens") return sums.input_tokens + sums.output_tokens;
  return sums[measure];
}

/** What to look at first: what it cost, unless nothing of that is known. */
export function usualMeasure(total: UsageSums): Measure {
  if (total.cost > 0) return "cost";
  return measured(total, "tokens") > 0 ? "tokens" : "calls";
}
