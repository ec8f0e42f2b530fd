import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import { runInRoot, spawnInRoot } from "./in-root.ts";
import { findServers } from "./root-processes.ts";

const program = "/usr/lib/postgresql/17/bin";

export type PostgresCluster = {
  /** Where its files are, as seen inside the private root. */
  readonly folder: string;
  readonly port: number;
  readonly logPath: string;
  readonly settings: readonly string[];
  /** Variables of its environment, as `NAME=value`. */
  readonly environment?: readonly string[];
};

/** Starts a PostgreSQL server inside the private root; makes its cluster first if there is none. */
export async function startPostgres(root: string, cluster: PostgresCluster): Promise<void> {
  await ensureCluster(root, cluster.folder);
  await spawnInRoot(root, "postgres", cluster.logPath, [
    ...environmentWords(cluster.environment ?? []),
    `${program}/postgres`,
    "-D",
    cluster.folder,
    // fsync stays on: tests that kill the server must meet the durability that users get, and
    // benchmarks must pay for it.
    "--fsync=on",
    `--port=${cluster.port}`,
    "--listen_addresses=127.0.0.1",
    "--unix_socket_directories=",
    "--max_connections=200",
    ...cluster.settings,
  ]);
}

function environmentWords(environment: readonly string[]): string[] {
  return environment.length === 0 ? [] : ["/usr/bin/env", ...environment];
}

async function ensureCluster(root: string, folder: string): Promise<void> {
  const cluster = join(root, folder);
  if (existsSync(join(cluster, "millrace-complete"))) {
    // A lock left by a killed server names a process id that may belong to something else today.
    const isHeld = (await findServers(root, [folder])).length > 0;
    if (!isHeld) await runProgram("rm", ["-f", join(cluster, "postmaster.pid")]);
    return;
  }
  await runProgram("rm", ["-rf", cluster]);
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  await runInRoot(root, "root", ["chown", "postgres:postgres", folder]);
  await runInRoot(root, "postgres", [
    `${program}/initdb`,
    `--pgdata=${folder}`,
    "--auth=trust",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
  ]);
  await writeFile(join(cluster, "millrace-complete"), "");
}
