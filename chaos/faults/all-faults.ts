import type { Ground } from "../ground/ground.ts";
import { clockFaults } from "./clocks.ts";
import type { Fault } from "./fault.ts";
import { hintFaults } from "./hints.ts";
import { networkFaults } from "./network.ts";
import { processFaults } from "./processes.ts";
import { serverFaults } from "./servers.ts";

export const allFaults: readonly Fault[] = [
  ...processFaults,
  ...serverFaults,
  ...networkFaults,
  ...hintFaults,
  ...clockFaults,
];

/** Those that can hit anything here. */
export function faultsFor({ seats }: Ground): Fault[] {
  const brokers = new Set(seats.map(({ broker }) => broker));
  return allFaults.filter(({ needs }) => needs === undefined || brokers.has(needs));
}

/** Throws when there is no fault of that name. */
export function getFault(name: string): Fault {
  const fault = allFaults.find((known) => known.name === name);
  if (fault === undefined) {
    throw new Error(
      `There is no fault ${name}. There are: ${allFaults.map((known) => known.name).join(", ")}`,
    );
  }
  return fault;
}
