import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import { isLookedAfter } from "../alarms/take-turn.ts";
import { oldestSnapshotSeconds } from "./oldest-snapshot.ts";

/** An open snapshot keeps dead rows from being removed: claims pass more of them each time. */
const oldSeconds = 60;

/**
 * Tells the log of a transaction that has been open for too long, where nobody looks for alarms: there it is
 * one of them, told once. `seconds` is how long it may be open, by default a minute.
 */
export async function warnOfOldSnapshot(
  database: Database,
  logger: Logger,
  seconds = oldSeconds,
): Promise<void> {
  const age = await oldestSnapshotSeconds(database);
  if (age <= seconds || (await isLookedAfter(database))) return;
  logger.warn(
    { seconds: age },
    "a transaction has been open for long; the queue slows down until it ends (pg_stat_activity shows it)",
  );
}
