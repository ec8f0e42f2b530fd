import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { processesOf } from "./whose-process.ts";
import type { RootProcess } from "./whose-process.ts";

type StopSignal = "SIGINT" | "SIGTERM" | "SIGQUIT" | "SIGKILL";

// SIGINT is PostgreSQL's "fast" shutdown, with a checkpoint; its children end with their parent, and
// RabbitMQ's script passes it on as SIGTERM.
const stopSignals: Readonly<Record<string, StopSignal>> = {
  // It would wait for its clients on SIGINT; SIGQUIT ends it at once.
  pgbouncer: "SIGQUIT",
  // Erlang ignores SIGINT, and so does its name service, which stays when its nodes have gone.
  "beam.smp": "SIGTERM",
  epmd: "SIGTERM",
};

/** All processes whose root directory is this private root, whoever started them. */
async function processesInRoot(root: string): Promise<RootProcess[]> {
  const wanted = await stat(root).catch(() => undefined);
  if (wanted === undefined) return [];
  const path = await realpath(root);
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id): Promise<RootProcess | undefined> => {
      // A process may end while we look at it; then it is simply not there.
      const itsRoot = await stat(`/proc/${id}/root/`).catch(() => undefined);
      if (itsRoot?.ino !== wanted.ino || itsRoot.dev !== wanted.dev) return undefined;
      const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
      const parentId = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
      const name = /^Name:\s*(.+)$/m.exec(status)?.[1] ?? "";
      const words = await wordsOf(`/proc/${id}/cmdline`);
      const home = (await wordsOf(`/proc/${id}/environ`)).find((word) => word.startsWith("HOME="));
      const works = await readlink(`/proc/${id}/cwd`).catch(() => "");
      const workingFolder = works.startsWith(path) ? works.slice(path.length) : works;
      return { id: Number(id), parentId, name, words, home: home?.slice(5) ?? "", workingFolder };
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

async function wordsOf(file: string): Promise<string[]> {
  return (await readFile(file, "utf8").catch(() => "")).split("\0");
}

/** The processes of the servers with these folders, and of no others that run in the same root. */
export async function findServers(root: string, folders: readonly string[]): Promise<RootProcess[]> {
  return processesOf(await processesInRoot(root), folders);
}

/**
 * Ends the servers with these folders: asks the parents to stop in order, then kills what is left
 * after the limit (default 20 s). Returns how many processes there were.
 */
export async function stopServers(
  root: string,
  folders: readonly string[],
  limitMs = 20_000,
): Promise<number> {
  const list = () => findServers(root, folders);
  const running = await list();
  const ids = new Set(running.map((entry) => entry.id));
  for (const entry of running) {
    if (!ids.has(entry.parentId)) signal(entry.id, stopSignals[entry.name] ?? "SIGINT");
  }
  const deadline = performance.now() + limitMs;
  while ((await list()).length > 0 && performance.now() < deadline) await delay(50);
  for (const entry of await list()) signal(entry.id, "SIGKILL");
  while ((await list()).length > 0) await delay(50);
  return running.length;
}

function signal(id: number, name: StopSignal): void {
  try {
    process.kill(id, name);
  } catch {
    // Already gone.
  }
}
