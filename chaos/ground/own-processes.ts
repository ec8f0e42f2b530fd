import { readdir, readFile, readlink } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export type OwnProcess = {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
  /** Its words, at most the first 300 characters. */
  readonly command: string;
  /** Where it works. */
  readonly folder: string;
};

/**
 * The processes of one run: those whose command line or environment holds its mark, which no other has, and
 * their children. So they are found whoever started them, also when a program changed its title or its parent.
 */
export async function findOwnProcesses(mark: string): Promise<OwnProcess[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const seen = await Promise.all(
    ids.map(async (id) => {
      // A process may end while we look at it; then it has no mark.
      const [words, environment, status] = await Promise.all(
        ["cmdline", "environ", "status"].map((file) =>
          readFile(`/proc/${id}/${file}`, "utf8").catch(() => ""),
        ),
      );
      const folder = await readlink(`/proc/${id}/cwd`).catch(() => "");
      return {
        id: Number(id),
        parentId: Number(/^PPid:\s*(\d+)/m.exec(status ?? "")?.[1] ?? 0),
        name: /^Name:\s*(.+)$/m.exec(status ?? "")?.[1] ?? "",
        command: (words ?? "").replaceAll("\0", " ").slice(0, 300),
        folder,
        isZombie: /^State:\s*Z/m.test(status ?? ""),
        isMarked: `${words}${environment}`.includes(mark),
      };
    }),
  );
  const own = new Set(seen.filter(({ isMarked }) => isMarked).map(({ id }) => id));
  for (let grown = -1; grown !== own.size;) {
    grown = own.size;
    for (const { id, parentId } of seen) if (own.has(parentId)) own.add(id);
  }
  return seen.filter(({ id, isZombie }) => own.has(id) && !isZombie);
}

/** Kills every process of the mark and waits until all are gone. */
export async function killOwnProcesses(mark: string): Promise<void> {
  for (;;) {
    const left = await findOwnProcesses(mark);
    if (left.length === 0) return;
    for (const { id } of left) signalProcess(id, "SIGKILL");
    await delay(50);
  }
}

/** Says nothing when the process is gone. */
export function signalProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal);
  } catch {
    // Already gone.
  }
}
