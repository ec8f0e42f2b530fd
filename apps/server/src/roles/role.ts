/** Why a process wants to end by itself. */
export type OwnEnd =
  /** Somebody asked its worker to stop. */
  | "worker_stopped"
  /** It holds more memory than it may, and is to be started again. */
  | "memory_limit";

/** A process that does its work. */
export type RunningRole = {
  /** What the one who started it is told. */
  readonly greeting: string;
  /** Lets what runs end for a while. Resolves when everything has stopped. */
  readonly stop: () => Promise<void>;
  /** Waits for nothing more: running jobs are handed back at once. */
  readonly hurry: () => void;
  /** Resolves when it wants to be stopped by itself; for most that is never. */
  readonly wantsToEnd: Promise<OwnEnd>;
};
