/** All that was seen of a run in which processes died, for those who look whether the promises were kept. */
import type { Facts } from "./facts.ts";
import type { Acknowledgement, CrashCount, Launch, Look, Loss, OutsideCall, Pulse } from "./receiver.ts";

/** A launch that died, with the calls of steps that were then not known to be recorded. */
export type Death = { readonly launch: string; readonly atMs: number; readonly stepsInFlight: number };

export type Observed = {
  readonly facts: Facts;
  readonly calls: readonly OutsideCall[];
  readonly launches: readonly Launch[];
  readonly acknowledged: readonly Acknowledgement[];
  readonly pulses: readonly Pulse[];
  readonly looks: readonly Look[];
  readonly losses: readonly Loss[];
  readonly crashCounts: readonly CrashCount[];
  readonly deaths: readonly Death[];
};

/** When the last of them died; whoever was there after it has lived to the end. */
export function lastDeathMs({ deaths }: Observed): number {
  return Math.max(0, ...deaths.map(({ atMs }) => atMs));
}
