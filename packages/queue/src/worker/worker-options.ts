import type { Broker } from "../brokers/broker.ts";
import type { ChildPoolOptions } from "../isolation/child-pool.ts";
import type { Hooks } from "../observe/hooks.ts";
import type { ExecuteParts } from "./execution.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { SlotReserves } from "./slots.ts";

export type WorkerOptions = {
  readonly name: string;
  readonly queues: readonly string[];
  /** Jobs at once. */
  readonly concurrency: number;
  /** Of these, by queue, how many only its jobs may take. See `Slots` for the default. */
  readonly reserves?: SlotReserves;
  /** Of the program, shown with the worker. */
  readonly version?: string;
  readonly leaseMs: number;
  /** Without any hint, queues are looked at this often. */
  readonly pollMs: number;
  /** How long stop waits for running jobs before it hands them back. */
  readonly drainMs: number;
  /**
   * A module that calls `serveJobs`, for jobs that must run in a process of their own. Without it
   * they share this one, and what kills it does so again.
   */
  readonly isolationEntry?: URL;
  /** When such a process is replaced. See `ChildPoolOptions` for the defaults. */
  readonly recycle?: Pick<ChildPoolOptions, "maxJobs" | "maxMegabytes">;
};

export type WorkerParts = ExecuteParts & {
  readonly broker: Broker;
  readonly heartbeat: Heartbeat;
  readonly hooks: Hooks;
};
