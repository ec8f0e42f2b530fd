/** What stands for all queues together, as the API names it. */
const allQueues = "*";

/** A queue as a sentence names it: "all queues", "queue “chat”". */
export function namedQueue(name: string): string {
  return name === allQueues ? "all queues" : `queue “${name}”`;
}
