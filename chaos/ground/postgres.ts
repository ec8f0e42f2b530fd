import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureAdded } from "../../scripts/services/debian-root.ts";
import { spawnInRoot } from "../../scripts/services/in-root.ts";
import { startPostgres } from "../../scripts/services/postgres.ts";
import { freePort, waitUntilReady } from "../../scripts/services/start.ts";
import { endings } from "./server.ts";
import type { Server } from "./server.ts";
import type { Place } from "./place.ts";
import { rootClockLibrary } from "./clock-library.ts";

export type PostgresServer = Server & {
  /** The same with a clock that is so far ahead. */
  readonly startWithClock: (aheadSeconds: number) => Promise<void>;
};

/** PostgreSQL with its files under the run's folder, and settings of a test: nothing but `fsync` matters. */
export async function ownPostgres({ root, folder, logs }: Place): Promise<PostgresServer> {
  const port = await freePort(0);
  const cluster = `${folder}/postgres`;
  const logPath = join(logs, "postgres.log");
  const start = async (environment: readonly string[]): Promise<void> => {
    await startPostgres(root, {
      folder: cluster,
      port,
      logPath,
      settings: ["--shared_buffers=64MB", "--max_wal_size=128MB", "--restart_after_crash=on"],
      environment,
    });
    await waitUntilReady(root, port, "PostgreSQL", logPath);
  };
  return {
    name: "PostgreSQL",
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start: () => start([]),
    startWithClock: async (aheadSeconds) => {
      await ensureAdded(root, "millrace-clock-packages.json", ["libfaketime"]);
      await start([`LD_PRELOAD=${rootClockLibrary}`, `FAKETIME=+${aheadSeconds}s`, "DONT_FAKE_MONOTONIC=1"]);
    },
    // SIGINT is its "fast" shutdown: sessions are ended, a checkpoint is written.
    ...endings(cluster, port, "SIGINT"),
  };
}

/** pgBouncer before it, in transaction mode, with the pool of our deployments. */
export async function ownPgbouncer({ root, folder, logs }: Place, postgres: Server): Promise<Server> {
  const port = await freePort(0);
  const own = `${folder}/pgbouncer`;
  const logPath = join(logs, "pgbouncer.log");
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${postgres.port}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = trust",
    `auth_file = ${own}/users.txt`,
    "pool_mode = transaction",
    "default_pool_size = 25",
    "max_client_conn = 200",
    "server_login_retry = 1",
    "ignore_startup_parameters = extra_float_digits",
  ];
  await mkdir(join(root, own), { recursive: true });
  await writeFile(join(root, own, "pgbouncer.ini"), `${settings.join("\n")}\n`);
  await writeFile(join(root, own, "users.txt"), '"postgres" ""\n');
  return {
    name: "pgBouncer",
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start: async () => {
      await rm(join(root, own, "pgbouncer.pid"), { force: true });
      await spawnInRoot(root, "postgres", logPath, ["/usr/sbin/pgbouncer", `${own}/pgbouncer.ini`]);
      await waitUntilReady(root, port, "pgBouncer", logPath);
    },
    ...endings(own, port, "SIGQUIT"),
  };
}
