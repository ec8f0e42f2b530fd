import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runProgram } from "../run-program.ts";
import { processesInRoot } from "./root-processes.ts";
import type { ServicesState } from "./state.ts";

const postgresProgram = "/usr/lib/postgresql/17/bin";
const clusterInRoot = "/srv/postgres";
const readyTimeoutMs = 60_000;

/** Starts PostgreSQL and pgBouncer inside the private root and waits until both answer a query. */
export async function startServices(directory: string, root: string): Promise<ServicesState> {
  const postgresPort = await freePort(55_432);
  const pgbouncerPort = await freePort(56_432);
  await ensureCluster(root);
  await spawnInRoot(root, join(directory, "postgres.log"), [
    `${postgresProgram}/postgres`,
    "-D",
    clusterInRoot,
    // fsync stays on: tests that kill the server must meet the durability that users get.
    "--fsync=on",
    `--port=${postgresPort}`,
    "--listen_addresses=127.0.0.1",
    "--unix_socket_directories=",
    "--max_connections=200",
    "--shared_buffers=256MB",
    "--max_wal_size=1GB",
  ]);
  await waitUntilReady(root, postgresPort, "postgres", join(directory, "postgres.log"));
  await writePgbouncerFiles(root, postgresPort, pgbouncerPort);
  await spawnInRoot(root, join(directory, "pgbouncer.log"), [
    "/usr/sbin/pgbouncer",
    "/srv/pgbouncer/pgbouncer.ini",
  ]);
  await waitUntilReady(root, pgbouncerPort, "pgbouncer", join(directory, "pgbouncer.log"));
  return {
    postgresUrl: `postgres://postgres@127.0.0.1:${postgresPort}/postgres`,
    pgbouncerUrl: `postgres://postgres@127.0.0.1:${pgbouncerPort}/postgres`,
  };
}

async function ensureCluster(root: string): Promise<void> {
  const cluster = join(root, clusterInRoot);
  if (existsSync(join(cluster, "millrace-complete"))) {
    // A lock left by a killed server names a process id that may belong to something else today.
    const holders = await processesInRoot(root);
    if (holders.length === 0) await runProgram("rm", ["-f", join(cluster, "postmaster.pid")]);
    return;
  }
  await runProgram("rm", ["-rf", cluster]);
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  await runInRoot(root, "root", ["chown", "postgres:postgres", clusterInRoot]);
  await runInRoot(root, "postgres", [
    `${postgresProgram}/initdb`,
    `--pgdata=${clusterInRoot}`,
    "--auth=trust",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
  ]);
  await writeFile(join(cluster, "millrace-complete"), "");
}

async function writePgbouncerFiles(root: string, postgresPort: number, ownPort: number): Promise<void> {
  const folder = join(root, "srv/pgbouncer");
  await mkdir(folder, { recursive: true });
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${postgresPort}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${ownPort}`,
    "unix_socket_dir =",
    "auth_type = trust",
    "auth_file = /srv/pgbouncer/users.txt",
    "admin_users = postgres",
    "pool_mode = transaction",
    "default_pool_size = 25",
    "max_client_conn = 200",
    "ignore_startup_parameters = extra_float_digits",
  ];
  await writeFile(join(folder, "pgbouncer.ini"), `${settings.join("\n")}\n`);
  await writeFile(join(folder, "users.txt"), '"postgres" ""\n');
}

// The mounts live in the service's own mount namespace and end with it: nothing to unmount, and
// deleting the root never touches the machine's /dev. `exec` makes the child the service itself.
function enterRoot(root: string, user: string, command: readonly string[]): string[] {
  const script =
    'mount --bind /proc "$0/proc" && mount --rbind /dev "$0/dev" && user="$1" && shift && ' +
    'exec chroot --userspec="$user:$user" "$0" "$@"';
  return ["--mount", "sh", "-c", script, root, user, ...command];
}

async function runInRoot(root: string, user: string, command: readonly string[]): Promise<string> {
  const result = await runProgram("unshare", enterRoot(root, user, command), { timeoutMs: 120_000 });
  if (result.exitCode === 0) return result.output;
  throw new Error(`${command[0] ?? ""} failed in the service root:\n${result.output.slice(-2000)}`);
}

async function spawnInRoot(root: string, logPath: string, command: readonly string[]): Promise<void> {
  const log = openSync(logPath, "a");
  const child = spawn("unshare", enterRoot(root, "postgres", command), {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
}

async function waitUntilReady(root: string, port: number, name: string, logPath: string): Promise<void> {
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

// Another checkout may run its own services on the usual port; then any free one does.
async function freePort(preferred: number): Promise<number> {
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
