/** What is written of a job. All times are by the store's clock. */
export type MirrorEntry = {
  readonly id: string;
  /** Texts of one length: the greater is the later. */
  readonly version: string;
  /** Until when it is as it may be shown although the job has not ended for good. */
  readonly freshUntilMs: number;
  readonly expiresAtMs: number;
  readonly text: string;
};

export type StoredCopy = {
  /** Undefined when there is none. */
  readonly text: string | undefined;
  readonly isFresh: boolean;
  /** The store's clock, from before whatever is read next. */
  readonly clockMs: number;
};

/** Where copies of jobs are kept. No method rejects or takes long; a store that is away has nothing. */
export type MirrorStore = {
  /** The store's clock; undefined when it is away. */
  readonly readClock: () => Promise<number | undefined>;
  /** Undefined when it is away. */
  readonly read: (id: string) => Promise<StoredCopy | undefined>;
  /** Leaves alone what is of a later version. */
  readonly write: (entries: readonly MirrorEntry[]) => Promise<void>;
  readonly discard: (id: string) => Promise<void>;
};
