export type RetryPauses = {
  /** The longest pause after the first failure; it doubles with each. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
};

/**
 * How long to wait after so many failures in a row, from half of the pause to the whole: all processes lose
 * their connections at once when a server restarts, and must not return at once.
 */
export function retryPauseMs({ minPauseMs, maxPauseMs }: RetryPauses, failures: number): number {
  const pauseMs = Math.min(maxPauseMs, minPauseMs * 2 ** (failures - 1));
  return pauseMs * (0.5 + Math.random() / 2);
}
