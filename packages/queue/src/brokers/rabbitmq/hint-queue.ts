import { isRefusal, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";

const deadHints = "millrace.dead_hints";

/** What the server calls a queue of ours. */
export function brokerQueue(queue: string): string {
  return `millrace.${queue}`;
}

/**
 * Of the queue of hints. Understood by 3.10 and by 4.x. No priorities, delays or times to live: those are the database's.
 * Whoever changes one of these must take another name for the queue, for the server refuses to have an
 * existing one declared otherwise.
 */
export const hintQueueArguments = {
  "x-queue-type": "quorum",
  // Explicit, because 3.10 has no limit by itself. What was given back so often without an answer kills
  // those who read it.
  "x-delivery-limit": 20,
  // Nobody reads, it seems. One hint is as good as a hundred thousand, and new ones are kept where they are.
  "x-max-length": 100_000,
  "x-overflow": "reject-publish",
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": deadHints,
};

/** Keeps the newest for a person to look at; nothing reads them. */
const deadHintsArguments = {
  "x-queue-type": "quorum",
  "x-max-length": 10_000,
  "x-max-length-bytes": 64 * 1024 * 1024,
};

/**
 * Where messages come to that are no hints. One that somebody has made otherwise does as well; without the right to make
 * it they are dropped, which is no reason to do without hints.
 */
export async function declareDeadHints(connection: AmqpConnection): Promise<void> {
  await withChannel(connection, (channel) =>
    channel.assertQueue(deadHints, { durable: true, arguments: deadHintsArguments }),
  ).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
}
