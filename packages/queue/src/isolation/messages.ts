import type { RelayToChild, RelayToParent } from "@millrace/database";
import type { StopReason } from "@millrace/kernel";
import type { Hint } from "../brokers/broker.ts";
import type { ChangeNotice, JobTransition, StoredEvent } from "../events/event.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";

/** What a worker tells a child process that runs jobs for it, one after another. */
export type ToJobChild =
  /** Sent when it is ready, and again after each `done`. */
  | { readonly kind: "run"; readonly job: ClaimedJob }
  /** About the job at hand; one that arrives after its end means nothing. */
  | { readonly kind: "stop"; readonly reason: StopReason }
  /** No further job comes: close what is open, and exit. */
  | { readonly kind: "end" }
  | { readonly kind: "database"; readonly message: RelayToChild };

/** What the child tells its worker. */
export type FromJobChild =
  | { readonly kind: "ready" }
  /** It has the job: from here on its death may be the job's doing. */
  | { readonly kind: "started" }
  /** The handler has ended in time; the end is still to be recorded, which lasts as long as the database is away. */
  | { readonly kind: "ran" }
  | JobDone
  | { readonly kind: "database"; readonly message: RelayToParent }
  /** Committed in the child: those who watch are connected to the parent. */
  | { readonly kind: "events"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "notice"; readonly notice: ChangeNotice }
  | { readonly kind: "transition"; readonly transition: JobTransition }
  | { readonly kind: "announce"; readonly hint: Hint };

/** The end of the attempt is recorded, or was no longer the child's to record. */
export type JobDone = {
  readonly kind: "done";
  readonly wasStale: boolean;
  /** False when something of the job may still be going on in the child. */
  readonly isReusable: boolean;
  readonly residentBytes: number;
};

/** The exit code of a child that ends because of an error that nothing in it caught. */
export const uncaughtExitCode = 70;
