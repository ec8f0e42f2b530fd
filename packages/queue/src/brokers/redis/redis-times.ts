import type { RetryPauses } from "../retry-pause.ts";

/** All in milliseconds. The defaults are meant for production; tests shorten them. */
export type RedisTimes = RetryPauses & {
  /** The least time between two hints of a queue from one process. Default 5. */
  readonly gapMs: number;
  /** How long the server may take to answer, or to connect. Default 5,000. */
  readonly answerMs: number;
  /** How long one read waits for hints; a deaf connection is found after this and `answerMs`. Default 5,000. */
  readonly blockMs: number;
  /** How often it is made sure that a connection without a read still answers. Default 10,000. */
  readonly lookEveryMs: number;
  /** How long a subscriber without room keeps a hint, in case that a slot becomes free. Default 20. */
  readonly graceMs: number;
  /** How often hints of subscribers that vanished are looked for. Default 30,000. */
  readonly tidyEveryMs: number;
  /** A subscriber that has not settled a hint for so long has vanished. Default 60,000. */
  readonly unsettledMs: number;
  /** A subscriber without hints that has not read for so long is removed from the server. Default 600,000. */
  readonly deadMs: number;
  /** The least time between two makings of a group that somebody keeps deleting. Default 1,000. */
  readonly regroupMs: number;
  /** How long stop waits for the last hints. Default 2,000. */
  readonly lastWordMs: number;
};

export const defaultRedisTimes: RedisTimes = {
  // While jobs come in a stream, workers claim no more often.
  gapMs: 5,
  // Half of it at least is waited: no more than one try a second.
  minPauseMs: 2_000,
  maxPauseMs: 10_000,
  answerMs: 5_000,
  blockMs: 5_000,
  lookEveryMs: 10_000,
  graceMs: 20,
  tidyEveryMs: 30_000,
  unsettledMs: 60_000,
  // Too long leaves a name in a list; too short could remove one that is about to read.
  deadMs: 600_000,
  regroupMs: 1_000,
  lastWordMs: 2_000,
};
