/** The number of owners among whom the jobs are spread. Only our queue makes anything of them. */
export const ownerCount = 1000;

export type PeerJob = { readonly index: number };

export type PeerWorkerOptions = {
  /** Jobs at once. Default: what serves this queue best with jobs that do nothing. */
  readonly concurrency: number | undefined;
  /** What each job does. */
  readonly run: (index: number) => Promise<void> | void;
};

/**
 * One queue, driven by its own API. Every queue gets jobs of the same input, `{ index }`, whose
 * handler returns the same output, `{ index }`.
 */
export type Peer = {
  /** Adds one job; resolves when the queue has confirmed it. */
  readonly add: (job: PeerJob) => Promise<unknown>;
  /** Adds some thousand at most, in the way that is fastest for this queue. */
  readonly addMany: (jobs: readonly PeerJob[]) => Promise<unknown>;
  /** Starts to process, and goes on until `close`. */
  readonly startWorker: (options: PeerWorkerOptions) => Promise<void>;
  /** How many jobs have not been recorded as ended. */
  readonly countUnfinished: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Opens a queue where `connection` says, and makes its tables when it has none yet. */
export type OpenPeer = (connection: string) => Promise<Peer>;

export const peerNames = [
  "millrace",
  "millrace-batched",
  "millrace-forgetting",
  "millrace-embedded",
  "millrace-redis",
  "millrace-rabbitmq",
  "bullmq",
  "pg-boss",
  "pg-boss-batched",
  "graphile-worker",
  "graphile-worker-batched",
] as const;

export type PeerName = (typeof peerNames)[number];
