import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Where the running test services answer. */
export type ServicesState = {
  /** The checkout that started them. Absent when a start from before this was kept wrote it. */
  readonly startedBy?: string;
  readonly postgresUrl: string;
  readonly pgbouncerUrl: string;
  /** Absent when a start from before Redis and RabbitMQ wrote this; the next start adds them. */
  readonly redisUrl?: string;
  /** With its user and generated password. */
  readonly rabbitmqUrl?: string;
  readonly rabbitmqManagementUrl?: string;
  /** Only after `start --peers`. */
  readonly peers?: PeersState;
};

/** What the benchmarks of the queue run against. */
export type PeersState = {
  /** A PostgreSQL server of their own, so that no test is disturbed and none disturbs. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
};

/** The folder of the private services: MILLRACE_SERVICES_DIR, or `.services` in the repository. */
export function servicesDirectory(): string {
  return resolve(process.env.MILLRACE_SERVICES_DIR ?? join(import.meta.dirname, "../../.services"));
}

/** What the last start wrote down, or undefined. The services may have been killed since. */
export async function readState(directory: string): Promise<ServicesState | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, "state.json"), "utf8"));
    return isState(value) ? value : undefined;
  } catch {
    return undefined; // Never started, or stopped: both mean "no services".
  }
}

/**
 * The checkout that started these services when it is another that is still there: checkouts that share a folder by
 * MILLRACE_SERVICES_DIR all use what one of them has started, and only that one stops it.
 */
export function otherStarter(state: ServicesState | undefined, checkout: string): string | undefined {
  const startedBy = state?.startedBy;
  return startedBy !== undefined && startedBy !== checkout && existsSync(startedBy) ? startedBy : undefined;
}

export async function writeState(directory: string, state: ServicesState | undefined): Promise<void> {
  const path = join(directory, "state.json");
  if (state === undefined) return rm(path, { force: true });
  await mkdir(directory, { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function isState(value: unknown): value is ServicesState {
  return (
    isRecord(value) &&
    isTextOrAbsent(value.startedBy) &&
    isText(value.postgresUrl) &&
    isText(value.pgbouncerUrl) &&
    isTextOrAbsent(value.redisUrl) &&
    isTextOrAbsent(value.rabbitmqUrl) &&
    isTextOrAbsent(value.rabbitmqManagementUrl) &&
    (value.peers === undefined || isPeersState(value.peers))
  );
}

function isPeersState(value: unknown): value is PeersState {
  return isRecord(value) && isText(value.postgresUrl) && isText(value.redisUrl);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || isText(value);
}
