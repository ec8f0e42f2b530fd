import type { Gathered } from "./gathered.ts";

/** What is old after some events: nothing; sums and lists of steps; or what state the work is in. */
export type AsksFor = "nothing" | "steps" | "state";

/** Much changes at once when a state does: it is asked for once then. */
const stateWithinMs = 400;
/** Work that does many small steps is not asked for with each of them: the steps themselves are told. */
const stepsWithinMs = 3000;

/** Asks in the time that fits what is old. */
export function askFor(asking: Gathered, what: AsksFor): void {
  if (what !== "nothing") asking.within(what === "state" ? stateWithinMs : stepsWithinMs);
}
