import { median } from "./statistics.ts";

/**
 * Between aim and floor a figure is acceptable; beyond the floor the work is not done. Lower is better,
 * unless the aim is above the floor.
 */
export type Target = { readonly aim: number; readonly floor: number };

/** One line of a benchmark's table. */
export type Figure = {
  readonly name: string;
  /** "ms", "s", "MB", "×", … */
  readonly unit: string;
  /** One value per run. */
  readonly values: readonly number[];
  readonly target?: Target;
};

export type Verdict = "aim met" | "between aim and floor" | "beyond the floor";

/** What the median says about the target; undefined for a figure without one. */
export function verdictOf({ values, target }: Figure): Verdict | undefined {
  if (target === undefined) return undefined;
  const value = median(values);
  const reaches = (limit: number): boolean => (target.aim > target.floor ? value >= limit : value <= limit);
  if (reaches(target.aim)) return "aim met";
  return reaches(target.floor) ? "between aim and floor" : "beyond the floor";
}

/** Collects the values of several runs under their names, in the order of first mention. */
export class FigureCollector {
  readonly #figures = new Map<string, { unit: string; values: number[]; target: Target | undefined }>();

  add(name: string, unit: string, value: number, target?: Target): void {
    const figure = this.#figures.get(name) ?? { unit, values: [], target };
    figure.values.push(value);
    this.#figures.set(name, figure);
  }

  figures(): Figure[] {
    return [...this.#figures].map(([name, { unit, values, target }]) => ({
      name,
      unit,
      values,
      ...(target === undefined ? {} : { target }),
    }));
  }
}
