import type { Figure } from "../measure/figure.ts";

export type BenchmarkOptions = {
  readonly runs: number;
  /** Says what is going on, for those who wait. */
  readonly say: (line: string) => void;
};

export type Benchmark = {
  readonly name: string;
  /** What is measured and against what, for the head of its table. */
  readonly description: string;
  readonly run: (options: BenchmarkOptions) => Promise<readonly Figure[]>;
};
