import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runProgram } from "../../scripts/run-program.ts";
import { ensureBrokerPackages, ensureDebianRoot } from "../../scripts/services/debian-root.ts";
import { servicesDirectory } from "../../scripts/services/state.ts";
import { killOwnProcesses } from "./own-processes.ts";

/** Where one run keeps everything. */
export type Place = {
  /** In the command line or environment of every process of the run, and of no other. */
  readonly mark: string;
  /** The private Debian root, as this machine sees it. */
  readonly root: string;
  /** Of the servers' files, as seen inside the root. On a disk of its own that can be filled. */
  readonly folder: string;
  /** Of the product, outside of it. */
  readonly dataDirectory: string;
  readonly logs: string;
  /** Ends every process of the run and deletes its files. */
  readonly clear: () => Promise<void>;
};

const prefix = "millrace-chaos-";

/** The disk under the servers' files: in memory, so never more than this. */
const diskMegabytes = 1024;

/**
 * Makes the folders of a run, in the private root of the test services unless another is given that has what the run
 * starts. Needs what the test services need: Debian and the root user.
 */
export async function makePlace(givenRoot?: string): Promise<Place> {
  const root = givenRoot ?? (await ensureDebianRoot(servicesDirectory()));
  if (givenRoot === undefined) await ensureBrokerPackages(root);
  await clearForsaken(root);
  const dataDirectory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const mark = basename(dataDirectory);
  const folder = `/srv/${mark}`;
  const disk = join(root, folder);
  const logs = join(dataDirectory, "logs");
  await mkdir(logs);
  await mkdir(disk, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${diskMegabytes}m,mode=755`, "tmpfs", disk]);
  return {
    mark,
    root,
    folder,
    dataDirectory,
    logs,
    clear: () => clear(root, mark),
  };
}

async function clear(root: string, mark: string): Promise<void> {
  await killOwnProcesses(mark);
  const disk = join(root, "srv", mark);
  await run("umount", ["--lazy", disk]);
  await rm(disk, { recursive: true, force: true });
  await rm(join(tmpdir(), mark), { recursive: true, force: true });
}

/** What runs have left that were killed themselves. */
async function clearForsaken(root: string): Promise<void> {
  for (const name of await readdir(join(root, "srv"))) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await clear(root, name);
  }
}

/** Takes all that is left on the disk of the servers' files, or gives it back. */
export async function setDiskFull(place: Place, isFull: boolean): Promise<void> {
  const ballast = join(place.root, place.folder, "ballast");
  if (!isFull) {
    await rm(ballast, { force: true });
    return;
  }
  // It stops at the end of the disk, which is what it is for.
  await runProgram("dd", ["if=/dev/zero", `of=${ballast}`, "bs=1M"], { timeoutMs: 30_000 });
}

async function run(command: string, words: readonly string[]): Promise<void> {
  const { exitCode, output } = await runProgram(command, words, { timeoutMs: 30_000 });
  if (exitCode !== 0) throw new Error(`${command} failed: ${output}`);
}
