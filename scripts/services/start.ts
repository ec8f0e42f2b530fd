import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runInRoot, spawnInRoot } from "./in-root.ts";
import { startPostgres } from "./postgres.ts";
import { folders } from "./server-folders.ts";
import type { ServicesState } from "./state.ts";

/** The settings of every pgBouncer that we start or describe: these services and deploy/compose.yaml. */
const pgbouncerSettingsFile = join(import.meta.dirname, "../../deploy/pgbouncer.ini");

const readyTimeoutMs = 60_000;

/** Starts PostgreSQL and pgBouncer inside the private root and waits until both answer a query. */
export async function startServices(directory: string, root: string): Promise<ServicesState> {
  const postgresPort = await freePort(55_432);
  const pgbouncerPort = await freePort(56_432);
  const logPath = join(directory, "postgres.log");
  await startPostgres(root, {
    folder: folders.postgres,
    port: postgresPort,
    logPath,
    settings: ["--shared_buffers=256MB", "--max_wal_size=1GB"],
  });
  await waitUntilReady(root, postgresPort, "postgres", logPath);
  await writePgbouncerFiles(root, postgresPort, pgbouncerPort);
  await spawnInRoot(root, "postgres", join(directory, "pgbouncer.log"), [
    "/usr/sbin/pgbouncer",
    `${folders.pgbouncer}/pgbouncer.ini`,
  ]);
  await waitUntilReady(root, pgbouncerPort, "pgbouncer", join(directory, "pgbouncer.log"));
  return {
    postgresUrl: `postgres://postgres@127.0.0.1:${postgresPort}/postgres`,
    pgbouncerUrl: `postgres://postgres@127.0.0.1:${pgbouncerPort}/postgres`,
  };
}

async function writePgbouncerFiles(root: string, postgresPort: number, ownPort: number): Promise<void> {
  const folder = join(root, folders.pgbouncer);
  await mkdir(folder, { recursive: true });
  const [, shared = ""] = (await readFile(pgbouncerSettingsFile, "utf8")).split("[pgbouncer]");
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${postgresPort}`,
    "[pgbouncer]",
    shared,
    // Of a setting that is there twice the later one counts.
    "listen_addr = 127.0.0.1",
    `listen_port = ${ownPort}`,
    "unix_socket_dir =",
    "auth_type = trust",
    `auth_file = ${folders.pgbouncer}/users.txt`,
    "admin_users = postgres",
  ];
  await writeFile(join(folder, "pgbouncer.ini"), `${settings.join("\n")}\n`);
  await writeFile(join(folder, "users.txt"), '"postgres" ""\n');
}

/** Waits until a server of PostgreSQL's protocol in the private root answers a query. */
export async function waitUntilReady(
  root: string,
  port: number,
  name: string,
  logPath: string,
): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline) {
    if ((await accepts(port)) && (await answers(root, port))) return;
    await delay(100);
  }
  const log = await readFile(logPath, "utf8").catch(() => "");
  throw new Error(`${name} did not answer within ${readyTimeoutMs / 1000} s:\n${log.slice(-2000)}`);
}

async function answers(root: string, port: number): Promise<boolean> {
  const url = `postgres://postgres@127.0.0.1:${port}/postgres?connect_timeout=5`;
  const query = ["psql", url, "-XAtc", "select 1"];
  return runInRoot(root, "postgres", query).then(
    (output) => output.trim() === "1",
    () => false,
  );
}

/** Whether something accepts TCP connections on this port of this machine. */
export async function accepts(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 2000 });
    const finish = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
    socket.once("timeout", () => finish(false));
  });
}

/** Another checkout may run its own services on the usual port; then any free one does. */
export async function freePort(preferred: number): Promise<number> {
  return (await listens(preferred)) ?? (await listens(0)) ?? preferred;
}

async function listens(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1" }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
