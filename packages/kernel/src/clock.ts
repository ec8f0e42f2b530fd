/** Where time comes from. Scheduling uses the database's clock; this one is for durations and display. */
export type Clock = {
  readonly now: () => Date;
  /** Milliseconds that never jump, for measuring durations and lease deadlines. */
  readonly monotonicMs: () => number;
};

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
