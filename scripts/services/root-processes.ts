import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export type RootProcess = {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  /** The words of its command line. */
  readonly words: readonly string[];
};

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

/**
 * The processes whose root directory is this private root: exactly those that belong to our
 * services, also when the run that started them was killed before it could write anything down.
 */
export async function processesInRoot(root: string): Promise<RootProcess[]> {
  const wanted = await stat(root).catch(() => undefined);
  if (wanted === undefined) return [];
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id): Promise<RootProcess | undefined> => {
      // A process may end while we look at it; then it is simply not there.
      const itsRoot = await stat(`/proc/${id}/root/`).catch(() => undefined);
      if (itsRoot?.ino !== wanted.ino || itsRoot.dev !== wanted.dev) return undefined;
      const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
      const parentId = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
      const name = /^Name:\s*(.+)$/m.exec(status)?.[1] ?? "";
      const commandLine = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      return { id: Number(id), parentId, name, words: commandLine.split("\0") };
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

/**
 * Ends our services: asks the parents to stop in order, then kills what is left after the limit
 * (default 20 s). Returns how many processes there were.
 */
export async function stopProcessesInRoot(
  root: string,
  options: { readonly only?: (entry: RootProcess) => boolean; readonly limitMs?: number } = {},
): Promise<number> {
  const { only = () => true, limitMs = 20_000 } = options;
  const list = async () => (await processesInRoot(root)).filter(only);
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
