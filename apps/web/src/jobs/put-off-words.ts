import type { PutOff } from "@millrace/contracts";
import { formatClock } from "../formatting/time.ts";

/** Why work that was begun stands still, and when it goes on. */
export function putOffWords({ message, until, failed_attempt: failed }: PutOff): string {
  return failed === null
    ? `It waits: ${message} It goes on by itself at ${formatClock(until)}.`
    : `Attempt ${failed} failed: ${message} The next one begins at ${formatClock(until)}.`;
}
