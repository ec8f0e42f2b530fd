/** What the conformance suite needs of a kind of broker, and what its tests share. */
import { randomBytes } from "node:crypto";
import type { Database } from "@millrace/database";
import { sleep } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import type { Broker, Subscription } from "../../src/index.ts";

/** What one process has: a started broker and a way to the database that all share. */
export type BrokerProcess = {
  readonly broker: Broker;
  readonly database: Database;
  /** Stops the broker, which ends what the process has at it. */
  readonly stop: () => Promise<void>;
  /** Between this process's broker and the server; a broker in the memory has none. */
  readonly network?: Network;
};

/** As a `FaultProxy`. */
export type Network = Pick<FaultProxy, "refuse" | "restore" | "set">;

export type BrokerScene = {
  readonly openProcess: () => Promise<BrokerProcess>;
  /** Puts something into the queue of the broker that is no hint. */
  readonly sendGarbage?: (queue: string) => Promise<void>;
  /** Called by `clear`, the last first, before the processes stop. */
  readonly atEnd: (end: () => Promise<void>) => void;
  /** After each test: stops the processes. */
  readonly clear: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type BrokerKind = {
  readonly kind: "memory" | "postgres" | "redis" | "rabbitmq";
  /** A hint goes to one subscriber, and waits until there is one; otherwise to all, and waits for none. */
  readonly isCompeting: boolean;
  /** Reached over a network. Each first subscriber of a process is woken for all its queues when it hears. */
  readonly isRemote: boolean;
  readonly open: (options?: SceneOptions) => Promise<BrokerScene>;
};

export type SceneOptions = {
  /** Where the jobs are. Default: embedded for the memory, a server for others. */
  readonly on?: "embedded" | "postgres" | "pgbouncer";
  /** All that goes over networks comes late, to each process in another measure. Default false. */
  readonly isSlow?: boolean;
};

/** A subscriber that notes what it is told. */
export type Listener = {
  readonly heard: string[];
  readonly subscription: Subscription;
};

/** Subscribes, and returns when it hears and has been woken for what it may have missed. */
export async function listen(
  kind: BrokerKind,
  { broker }: BrokerProcess,
  queues: readonly string[],
): Promise<Listener> {
  const heard: string[] = [];
  const subscription = broker.subscribe(queues, (queue) => void heard.push(queue));
  await waitFor(
    () => broker.status().isHearing && (!kind.isRemote || queues.every((queue) => heard.includes(queue))),
    { describe: "the broker to hear, and to have woken its subscriber" },
  );
  heard.length = 0;
  return { heard, subscription };
}

/** A queue that no other test and no other run knows. */
export function queueName(): string {
  return `q${randomBytes(8).toString("hex")}`;
}

/** Long enough for a hint that must not come to be seen if it does. */
export async function quiet(): Promise<void> {
  await sleep(300);
}
