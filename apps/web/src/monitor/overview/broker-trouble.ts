import type { BrokerState, Worker } from "@millrace/contracts";

export type BrokerTrouble = {
  readonly kind: string;
  /** What the first of them says. */
  readonly text: string;
  readonly workers: number;
  /** Whether the process that answers us is one of them. */
  readonly isHere: boolean;
};

/** What is wrong with the brokers of workers and of the API process; undefined when nothing is. */
export function brokerTrouble(
  here: BrokerState | undefined,
  workers: readonly Pick<Worker, "broker">[],
): BrokerTrouble | undefined {
  const isHere = here?.degraded === true;
  const degraded = workers.flatMap(({ broker }) => (broker?.degraded === true ? broker : []));
  const first = isHere ? here : degraded[0];
  if (first === undefined) return undefined;
  return { kind: first.kind, text: first.trouble ?? "", workers: degraded.length, isHere };
}
