/**
 * What a broker carries: that a queue has work, and a little about that work for the eye of the operator.
 * Those who claim heed the queue alone.
 */
export type Hint = {
  readonly queue: string;
  /** Jobs that became ready together; 1 when nobody has counted. */
  readonly count: number;
  /** A few of them, at most 20. */
  readonly jobIds: readonly string[];
  /** Of the first of them. */
  readonly task?: string;
  /** The highest of them. */
  readonly priority?: number;
};

/** What kind a broker is, and whether its hints come and go now. */
export type BrokerStatus = {
  readonly kind: "memory" | "postgres" | "redis" | "rabbitmq";
  /** Hints of other processes are heard. True, too, while nobody here subscribes. */
  readonly isHearing: boolean;
  /** Hints of this process reach the others. */
  readonly isTelling: boolean;
  /** What is wrong, in words for an operator; undefined when all is well. */
  readonly trouble?: string;
  /** Queues of the broker that it could no longer serve, and that this process made anew. Default 0. */
  readonly replacedQueues?: number;
};

/**
 * Carries hints that a queue has work, never the work itself. Losing every hint costs only the
 * time until the next poll; doubling them costs an empty claim.
 */
export type Broker = {
  /** Never throws and never blocks: a broker that is away is a slower product, not a broken one. */
  readonly announce: (hint: Hint) => void;
  /**
   * Calls back for hints of these queues until the subscription is closed. Called, too, for every queue when
   * hints may have been missed.
   */
  readonly subscribe: (queues: readonly string[], onHint: (queue: string) => void) => Subscription;
  /** Hints that wait in the broker for somebody with room; undefined where none wait or nobody can say now. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** Throws away the hints that wait, and returns how many. The jobs stay: the poll finds them. */
  readonly purge: (queue: string) => Promise<number>;
  readonly status: () => BrokerStatus;
};

/**
 * One who claims, to a broker. A broker that gives each hint to one subscriber only keeps it until it is
 * settled, and gives it to others when this one vanishes before; one that tells all ignores `settle` and
 * `receive`.
 */
export type Subscription = {
  /**
   * A claim of this queue has been made since its hints came. With `isMore` there may be more jobs than
   * could be taken: what hints were held go to others. Without, they are done with.
   */
  readonly settle: (queue: string, isMore: boolean) => void;
  /** While false, this subscriber has no room for jobs, and hints go to others. True from the beginning. */
  readonly receive: (hasRoom: boolean) => void;
  /** What hints were held and not settled go to others. */
  readonly close: () => void;
};

/** What those need who only say that there is work. */
export type Announcer = Pick<Broker, "announce">;
