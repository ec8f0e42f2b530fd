/**
 * Carries hints that a queue has work, never the work itself. Losing every hint costs only the
 * time until the next poll; doubling them costs an empty claim.
 */
export type Broker = {
  /** Never throws and never blocks: a broker that is away is a slower product, not a broken one. */
  readonly announce: (queue: string) => void;
  /** Calls back for hints of these queues until the returned function is called. */
  readonly subscribe: (queues: readonly string[], onHint: (queue: string) => void) => () => void;
};
