/** A fact about a stream, numbered without gaps within it from 1. */
export type StoredEvent = {
  readonly stream: string;
  readonly seq: number;
  /** `domain.something_happened` */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** RFC 3339, UTC, by the database's clock. */
  readonly at: string;
};

/** Says that something changed, without a number: the receiver fetches again. */
export type ChangeNotice = {
  readonly topic: "workspace" | "jobs";
  /** The workspace that may see it. */
  readonly owner: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type StreamPage = {
  readonly events: readonly StoredEvent[];
  /** The highest number ever given in this stream; 0 when nothing happened yet. */
  readonly lastSeq: number;
  /** The lowest number still stored; `lastSeq + 1` when none is. */
  readonly oldestSeq: number;
};

/** Where those who watch read events from. */
export type EventFeed = {
  /** Events with a number above `after`, ascending, at most `limit`. */
  readonly read: (stream: string, after: number, limit: number) => Promise<StreamPage>;
  /**
   * Calls back after commits of this or another process. A hint: calls may be lost or doubled, so
   * a watcher also reads again every few seconds.
   */
  readonly onEvents: (listener: (events: readonly StoredEvent[]) => void) => () => void;
  readonly onNotice: (listener: (notice: ChangeNotice) => void) => () => void;
};
