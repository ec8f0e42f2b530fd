import type { AlarmKind } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";
import type { AlarmThresholds } from "./alarm-thresholds.ts";
import { findConditions } from "./find-conditions.ts";
import type { AlarmReading } from "./find-conditions.ts";
import { recordLook } from "./record-look.ts";
import type { LookResult, LookRules } from "./record-look.ts";
import { takeTurn } from "./take-turn.ts";

export type LookOptions = LookRules & {
  readonly thresholds: AlarmThresholds;
  /** Kinds that nobody wants to hear of. Open ones of them are cleared. */
  readonly off: readonly AlarmKind[];
  /** What is looked for beside what is wrong with queues and workers. Default nothing. */
  readonly readings?: readonly AlarmReading[];
  readonly logger: Logger;
};

/**
 * Looks once for what is wrong over all processes, if it is time to: whichever process comes first takes
 * the turn. Returns what was raised and cleared; undefined when another process looks. Meant to be called
 * every `everyMs` by every process.
 */
export async function lookForAlarms(
  database: Database,
  options: LookOptions,
): Promise<LookResult | undefined> {
  // Nobody waits for it.
  const quietly = { ...database, ...database.background };
  const turn = await takeTurn(quietly, options.everyMs);
  if (turn === undefined) return undefined;
  const { kinds, conditions } = await findConditions(quietly, options);
  return await recordLook(quietly, { kinds, turn }, conditions, options);
}
