import type { Figure } from "../measure/figure.ts";

export type BenchmarkOptions = {
  readonly runs: number;
  /** Of the number of jobs; 1 for a result, less for a look. */
  readonly scale: number;
  /** Says what is going on, for those who wait. */
  readonly say: (line: string) => void;
};

export type Benchmark = {
  readonly name: string;
  /** What is measured and against what, for the head of its table. */
  readonly description: string;
  /** What else the figures depend on, where the head of all does not say it. */
  readonly conditions?: () => Promise<string>;
  /** Takes so long that it runs only when it is named. */
  readonly isLong?: boolean;
  readonly run: (options: BenchmarkOptions) => Promise<readonly Figure[]>;
};
