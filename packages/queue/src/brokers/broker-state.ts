import type { BrokerState } from "@millrace/contracts";
import type { BrokerStatus } from "./broker.ts";

/** A broker's status as the API shows it. */
export function toBrokerState({ kind, isHearing, isTelling, trouble }: BrokerStatus): BrokerState {
  return { kind, degraded: !isHearing || !isTelling, trouble: trouble ?? null };
}
