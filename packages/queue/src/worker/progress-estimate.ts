import type { ProgressReport } from "./job-context.ts";
import type { ProgressState } from "./pending-writes.ts";

/** Earlier than this a guess of the time left says more about chance than about the work. */
const soonestEtaMs = 500;

const nothing: ProgressState = {
  percent: 0,
  stage: null,
  message: null,
  done: null,
  total: null,
  unit: null,
  eta_seconds: null,
};

/**
 * Makes what is shown out of what a handler reports: the per cent of `done` of `total` where it gives
 * none, never less than before, and the time left at the pace of the stage so far.
 */
export class ProgressEstimate {
  readonly #nowMs: () => number;
  #state = nothing;
  /** Counts may be of one stage only: a handler that gives a per cent of the whole knows better. */
  #givesPercent = false;
  #counting: { readonly sinceMs: number; readonly doneBefore: number } | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get stage(): string | null {
    return this.#state.stage;
  }

  next(given: ProgressReport): ProgressState {
    const report = withoutNonsense(given);
    const isNewStage = report.stage !== undefined && report.stage !== this.#state.stage;
    const counts = isNewStage ? { done: null, total: null, unit: null } : {};
    if (isNewStage) this.#counting = undefined;
    this.#givesPercent ||= report.percent !== undefined;
    const merged = { ...this.#state, ...counts, ...report };
    const percent = report.percent ?? (this.#givesPercent ? 0 : percentOf(merged));
    this.#state = {
      ...merged,
      // Two decimals: less than that is nothing to see, and next to nothing does not fit the column.
      percent: Math.max(this.#state.percent, Math.min(100, Math.round(percent * 100) / 100)),
      eta_seconds: this.#secondsLeft(merged),
    };
    return this.#state;
  }

  #secondsLeft({ done, total }: Pick<ProgressState, "done" | "total">): number | null {
    if (done === null || total === null) return null;
    this.#counting ??= { sinceMs: this.#nowMs(), doneBefore: done };
    const passedMs = this.#nowMs() - this.#counting.sinceMs;
    const achieved = done - this.#counting.doneBefore;
    if (achieved <= 0 || passedMs < soonestEtaMs) return null;
    return Math.max(0, Math.round(((passedMs / achieved) * (total - done)) / 1000));
  }
}

function percentOf({ done, total }: Pick<ProgressState, "done" | "total">): number {
  if (done === null || total === null || total <= 0) return 0;
  return Math.floor((done / total) * 100);
}

/** Leaves out what is no number, as a share of nothing, 0 / 0: the database would refuse it. */
function withoutNonsense(report: ProgressReport): ProgressReport {
  const isSense = (value: unknown): boolean => typeof value !== "number" || Number.isFinite(value);
  return Object.fromEntries(Object.entries(report).filter(([, value]) => isSense(value)));
}
