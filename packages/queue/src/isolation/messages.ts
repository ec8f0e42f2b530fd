import type { RelayToChild, RelayToParent } from "@millrace/database";
import type { StopReason } from "@millrace/kernel";
import type { ChangeNotice, StoredEvent } from "../events/event.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";

/** What a worker tells the child process that runs one job for it. */
export type ToJobChild =
  | { readonly kind: "run"; readonly job: ClaimedJob }
  | { readonly kind: "stop"; readonly reason: StopReason }
  | { readonly kind: "database"; readonly message: RelayToChild };

/** What the child tells its worker. */
export type FromJobChild =
  | { readonly kind: "ready" }
  /** The end of the attempt is recorded, or was no longer the child's to record. */
  | { readonly kind: "done"; readonly wasStale: boolean }
  | { readonly kind: "database"; readonly message: RelayToParent }
  /** Committed in the child: those who watch are connected to the parent. */
  | { readonly kind: "events"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "notice"; readonly notice: ChangeNotice }
  | { readonly kind: "announce"; readonly queue: string };
