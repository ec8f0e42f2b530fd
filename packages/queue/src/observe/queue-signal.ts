type SignalWorker = {
  readonly id: string;
  readonly name: string;
};

/**
 * What happens in a queue beside the transitions of single jobs. Told once it is true and, where the
 * database holds it, committed; in the process that did it.
 */
export type QueueSignal =
  | {
      /** It is known in the database and claims jobs from now on. */
      readonly type: "worker.started";
      readonly worker: SignalWorker & { readonly queues: readonly string[]; readonly concurrency: number };
    }
  | {
      /** It claims nothing more. */
      readonly type: "worker.draining";
      readonly worker: SignalWorker;
      /** Jobs that still run. */
      readonly running: number;
    }
  | {
      /** Nothing of it runs any more. */
      readonly type: "worker.stopped";
      readonly worker: SignalWorker;
    }
  | {
      /** It was silent for longer than its lease; told by the process that took its jobs back. */
      readonly type: "worker.lost";
      readonly worker: SignalWorker;
      /** Jobs taken back from it. */
      readonly jobs: number;
    }
  | {
      readonly type: "queue.paused";
      /** A queue, or `*` for all of them. */
      readonly queue: string;
      /** Who said so; null when unknown. */
      readonly by: string | null;
      readonly reason: string | null;
      /** When it goes on by itself, RFC 3339 UTC; null: when somebody says so. */
      readonly until: string | null;
    }
  | {
      readonly type: "queue.resumed";
      readonly queue: string;
      /** Who said so; null when its time had come. */
      readonly by: string | null;
    }
  | {
      /**
       * A step, a transaction or the end of an attempt that no longer held its job: refused, nothing of it
       * was written. Once for each attempt.
       */
      readonly type: "write.refused";
      readonly job: {
        readonly id: string;
        readonly task: string;
        readonly queue: string;
        readonly owner: string | null;
        readonly attempt: number;
      };
    };

export type QueueSignalType = QueueSignal["type"];
