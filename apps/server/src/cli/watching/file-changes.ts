import { existsSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { sleep } from "@millrace/kernel";

/** An editor writes a file in several steps, and a checkout many files: what comes within this is one change. */
const quietMs = 150;

/** Which files count. */
export type Watched = { readonly files: readonly string[]; readonly folders: readonly string[] };

/** Tells of changes in some files and in folders with all that is below them. Never of data or packages. */
export class FileChanges {
  readonly #watchers = new Map<string, FSWatcher>();
  #watched: Watched = { files: [], folders: [] };
  #changed = new Set<string>();
  #wake = Promise.withResolvers<void>();

  /** Watches these from now on, besides what is watched already. */
  async add(watched: Watched): Promise<void> {
    this.#watched = {
      files: [...new Set([...this.#watched.files, ...watched.files])],
      folders: [...new Set([...this.#watched.folders, ...watched.folders])],
    };
    const folders = new Set(this.#watched.files.map((file) => path.dirname(file)));
    for (const folder of this.#watched.folders) {
      // Its parent says when it comes into being.
      folders.add(path.dirname(folder));
      for (const inner of await foldersBelow(folder)) folders.add(inner);
    }
    for (const folder of folders) this.#watch(folder);
  }

  /** Resolves with the files that changed, once it has been quiet for a moment. Rejects when aborted. */
  async next(signal: AbortSignal): Promise<readonly string[]> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#wake.promise, aborted.promise]);
      for (let seen = -1; seen !== this.#changed.size;) {
        seen = this.#changed.size;
        await sleep(quietMs, signal);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    const changed = [...this.#changed];
    this.#changed = new Set();
    this.#wake = Promise.withResolvers();
    return changed;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder) || !existsSync(folder)) return;
    const watcher = watch(folder, (_kind, name) => {
      if (name === null) return;
      const file = path.join(folder, name);
      if (!this.#counts(file)) return;
      this.#changed.add(file);
      this.#wake.resolve();
    });
    // A folder that is gone: its parent told of that.
    watcher.on("error", () => this.#unwatch(folder));
    this.#watchers.set(folder, watcher);
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #counts(file: string): boolean {
    const { files, folders } = this.#watched;
    if (files.includes(file) || folders.includes(file)) return true;
    const isBelow = folders.some((folder) => file.startsWith(folder + path.sep));
    // Editors put files beside the one they write, for a moment.
    return isBelow && (/\.(m?[jt]s|json|sql|ya?ml)$/.test(file) || isFolder(file));
  }
}

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The folder and all below it, without packages and hidden ones; none when it is not there. */
async function foldersBelow(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const inner = entries.filter(
    (entry) => entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."),
  );
  return [
    folder,
    ...(await Promise.all(inner.map(({ name }) => foldersBelow(path.join(folder, name))))).flat(),
  ];
}
