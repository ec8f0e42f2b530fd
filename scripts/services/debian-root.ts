import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import { machineMirror } from "./apt-mirror.ts";

type DebianSystem = { readonly suite: string; readonly packages: readonly string[] };

// pgvector 0.8 and PostgreSQL 17 are what this release carries; Debian 12 itself stops at 15 without pgvector.
const testSystem: DebianSystem = {
  suite: "trixie",
  packages: ["postgresql-17", "postgresql-17-pgvector", "pgbouncer"],
};
// Its RabbitMQ is 3.10.8, the oldest that we promise to work with; trixie's is 4.
const olderSystem: DebianSystem = { suite: "bookworm", packages: [] };
// Installed into the finished root, so that a root from before them is added to and not replaced.
const brokerPackages = ["redis-server", "rabbitmq-server"];
// For benchmarks only, so they are not part of the root that every clone installs for its tests.
const peerPackages = ["redis-server", "python3-celery", "python3-redis"];
const installTimeoutMs = 15 * 60_000;

/**
 * A private Debian system with the services inside `directory`, installed once and reused.
 * Needs root and debootstrap. An installation that was interrupted is thrown away and repeated.
 */
export async function ensureDebianRoot(
  directory: string,
  { suite, packages }: DebianSystem = testSystem,
): Promise<string> {
  const root = join(directory, "root");
  const marker = join(root, "millrace-packages.json");
  const wanted = JSON.stringify({ suite, packages });
  if (existsSync(marker) && (await readFile(marker, "utf8")) === wanted) return root;

  assertCanInstall();
  const partial = join(directory, "root.partial");
  await rm(partial, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const mirror = await machineMirror();
  console.log(`Installing ${[suite, ...packages].join(", ")} into ${root} (once; about a minute) …`);
  // Its own mount and process namespaces: what the packages mount or start disappears with it, so
  // deleting the folder can never reach the machine's /dev or /proc.
  const installed = await runProgram(
    "unshare",
    [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "debootstrap",
      "--variant=minbase",
      ...(packages.length === 0 ? [] : [`--include=${packages.join(",")}`]),
      suite,
      partial,
      mirror,
    ],
    { timeoutMs: installTimeoutMs, environment: { DEBIAN_FRONTEND: "noninteractive" } },
  );
  if (installed.exitCode !== 0) {
    throw new Error(
      `debootstrap could not install the test services (exit ${installed.exitCode}).\n${installed.output.slice(-4000)}`,
    );
  }
  await writeFile(join(partial, "millrace-packages.json"), wanted);
  await rename(partial, root);
  return root;
}

/** A second private Debian, of the release before, with RabbitMQ 3.10 alone. */
export async function ensureOlderRabbitmq(directory: string): Promise<string> {
  const root = await ensureDebianRoot(directory, olderSystem);
  // Erlang looks its node's name up there, and this release's smallest system has no such file.
  await writeFile(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  await ensureAdded(root, "millrace-broker-packages.json", ["rabbitmq-server"]);
  return root;
}

/** Adds Redis and RabbitMQ to the private root, once. Does not disturb the services that run in it. */
export async function ensureBrokerPackages(root: string): Promise<void> {
  await ensureAdded(root, "millrace-broker-packages.json", brokerPackages);
}

/** Adds Redis and Celery to the private root, once. Does not disturb the services that run in it. */
export async function ensurePeerPackages(root: string): Promise<void> {
  await ensureAdded(root, "millrace-peer-packages.json", peerPackages);
}

/** Adds packages to the private root, once: the file with this name in it says that they are there. */
export async function ensureAdded(root: string, markerName: string, added: readonly string[]): Promise<void> {
  const marker = join(root, markerName);
  const wanted = JSON.stringify(added);
  if (existsSync(marker) && (await readFile(marker, "utf8")) === wanted) return;

  assertCanInstall();
  console.log(`Installing ${added.join(", ")} into ${root} (once; about a minute) …`);
  // What the packages' scripts start would end with the process namespace; the policy has them not try.
  const script = `set -e
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    cp /etc/resolv.conf "$0/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' > "$0/usr/sbin/policy-rc.d"
    chmod 755 "$0/usr/sbin/policy-rc.d"
    chroot "$0" apt-get update -q
    chroot "$0" apt-get install -q -y --no-install-recommends "$@"
    chroot "$0" apt-get clean`;
  const installed = await runProgram(
    "unshare",
    ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, root, ...added],
    { timeoutMs: installTimeoutMs, environment: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" } },
  );
  if (installed.exitCode !== 0) {
    throw new Error(
      `${added.join(", ")} could not be installed (exit ${installed.exitCode}).\n${installed.output.slice(-4000)}`,
    );
  }
  await writeFile(marker, wanted);
}

function assertCanInstall(): void {
  if (process.getuid?.() !== 0) {
    throw new Error(
      "Test services are installed into a private Debian root, which needs the root user. " +
        "Run as root, or set MILLRACE_TEST_DATABASE_URL to a PostgreSQL with pgvector.",
    );
  }
  if (!existsSync("/usr/sbin/debootstrap")) {
    throw new Error("debootstrap is missing. Install it: apt-get install debootstrap");
  }
}
