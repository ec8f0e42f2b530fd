import type { JobState } from "@millrace/contracts";

/**
 * A fact about a stream, numbered without gaps within it from 1. What is missing between two that are stored has
 * expired: numbers are given and committed in order.
 */
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
  /** `monitor`: queues, workers and what people have set for them. */
  readonly topic: "workspace" | "jobs" | "monitor";
  /** The workspace that may see it; null with `monitor`, and of jobs of nobody. */
  readonly owner: string | null;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** It may concern anybody, whatever `owner` says: what changed for whom is not known any more. */
  readonly isForAll?: boolean;
};

/** How far a stream has come: the highest number it has given. */
export type StreamHead = { readonly stream: string; readonly seq: number };

/** What other processes say of streams. */
export type StreamsMoved = {
  readonly heads: readonly StreamHead[];
  /** Domains (`job` of `job:<id>`) of which more streams moved than are listed; `*` for all. */
  readonly crowded: readonly string[];
};

/** An attempt that nobody ended: its process died, or the job was taken from it. */
export type CutAttempt = "crashed" | "handed_back";

/**
 * A job went from one state to another, or its attempt began or ended, and that is committed. Told in the
 * process that did it, for hooks, metrics and traces; a change of the same kind may be told of many
 * jobs at once.
 */
export type JobTransition = {
  readonly type:
    | "enqueued"
    | "started"
    | "succeeded"
    | "failed"
    /** The attempt failed; another follows. */
    | "retry_scheduled"
    | "snoozed"
    | "handed_back"
    /** Its attempt is over until somebody answers; somebody has. */
    | "waiting"
    | "answered"
    /** Its worker or its own process died. */
    | "crashed"
    /** A limit holds it back, and lets it go. */
    | "parked"
    | "released"
    /** Its time has come. */
    | "due"
    /** It waits for other jobs of its workflow; they have succeeded. */
    | "blocked"
    | "unblocked"
    | "cancel_requested"
    | "cancelled"
    | "expired"
    /** A person put it back in line. */
    | "retried";
  readonly job: {
    readonly id: string;
    readonly task: string;
    readonly queue: string;
    readonly owner: string | null;
    /** After the transition. */
    readonly state: JobState;
    readonly attempt: number;
  };
  /** `started`: from when it could have run to its claim. */
  readonly waitMs?: number;
  /** Ends of an attempt: from its claim. */
  readonly runMs?: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** `cancelled`: how the attempt is recorded that was over before anybody could cancel it. */
  readonly attempt?: CutAttempt;
  /** W3C trace context that came with the job; with `enqueued` and `started`. */
  readonly traceParent?: string | null;
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
  /** How far these streams have come, with one read; those that do not exist are left out. */
  readonly readHeads: (streams: readonly string[]) => Promise<readonly StreamHead[]>;
  /**
   * Calls back after commits of this process. A hint, as is `onMoved`: calls may be lost or doubled, so a
   * watcher also reads again every few seconds.
   */
  readonly onEvents: (listener: (events: readonly StoredEvent[]) => void) => () => void;
  /** Calls back after commits of other processes, which say how far streams came and not what happened. */
  readonly onMoved: (listener: (moved: StreamsMoved) => void) => () => void;
  readonly onNotice: (listener: (notice: ChangeNotice) => void) => () => void;
};
