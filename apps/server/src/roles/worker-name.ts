import { hostname } from "node:os";
import type { Settings } from "../settings.ts";

export const defaultWorkerName = "worker@%h";

/**
 * The name that a pattern stands for on a machine, with Celery's marks: `%h` the whole name of the machine, `%n`
 * its first part, `%d` the rest, `%%` a percent sign.
 */
export function workerName(pattern: string, host: string): string {
  const [first = host, ...rest] = host.split(".");
  const marks: Readonly<Record<string, string>> = { h: host, n: first, d: rest.join("."), "%": "%" };
  return pattern.replaceAll(/%([hnd%])/g, (_whole, mark: string) => marks[mark] ?? "");
}

/** The name of one of several processes: `w1@host` gives `w1@host-2`. */
export function processName(pattern: string, index: number): string {
  return `${pattern}-${index}`;
}

/** What the worker of a process calls itself. */
export function nameOf(settings: Pick<Settings, "WORKER_NAME">): string {
  return workerName(settings.WORKER_NAME ?? defaultWorkerName, hostname());
}
