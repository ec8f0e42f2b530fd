/** What WORKER_QUEUES says: the queues, and how many slots are kept for single ones of them. */
export function parseWorkerQueues(text: string): {
  readonly queues: readonly string[];
  readonly reserves: Readonly<Record<string, number>>;
} {
  const parts = text.split(",").map((part) => part.split(":"));
  return {
    queues: [...new Set(parts.map(([queue = ""]) => queue))],
    reserves: Object.fromEntries(
      parts.flatMap(([queue = "", reserve]) => (reserve === undefined ? [] : [[queue, Number(reserve)]])),
    ),
  };
}
