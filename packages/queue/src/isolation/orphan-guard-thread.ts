/*
 * Runs beside a job in its process, in a thread of its own: a job that keeps the main thread busy
 * would not hear that the worker has died, and would burn a processor for ever.
 */
import { workerData } from "node:worker_threads";
import { killOwnGroup } from "./kill-own-group.ts";

const checkIntervalMs = 1_000;
const parentId: unknown = workerData;

setInterval(() => {
  if (process.ppid !== parentId) killOwnGroup();
}, checkIntervalMs);
