import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import { dataFolderUnusable, folderInUse } from "../errors.ts";

const holderSchema = z.object({ pid: z.int(), url: z.string().optional() });
export type FolderHolder = z.infer<typeof holderSchema>;

export type FolderLock = {
  /** Tells other processes where this one answers, so that the command line speaks to it. */
  readonly announce: (url: string) => void;
  /** Twice is fine. */
  readonly release: () => void;
};

/**
 * Takes the folder for this process or throws `data_folder_in_use`, or `data_folder_unusable` when it
 * can't be made or written. The lock is SQLite's own file
 * lock (from the standard library), because Node has no flock: the system releases it when the
 * process dies, however it dies, and it holds between containers that share the folder. Two
 * processes on one PGlite folder lose committed rows without a word.
 */
export function lockFolder(folder: string): FolderLock {
  const lock = takeLock(folder);
  const holderFile = path.join(folder, "process.json");
  const write = (holder: FolderHolder) => writeFileSync(holderFile, JSON.stringify(holder), { mode: 0o600 });
  write({ pid: process.pid });
  return {
    announce: (url) => write({ pid: process.pid, url }),
    release: () => {
      if (!lock.isOpen) return;
      rmSync(holderFile, { force: true });
      lock.close();
    },
  };
}

function takeLock(folder: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(path.join(folder, "lock.sqlite"), { timeout: 0 });
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (!isBusy(error)) throw dataFolderUnusable(path.resolve(folder), error);
    const holder = readHolder(folder);
    throw folderInUse(path.resolve(folder), holder === undefined ? "" : ` (process ${holder.pid})`);
  }
}

/** The process that says it holds the folder, if any; it may have died since. */
export function readHolder(folder: string): FolderHolder | undefined {
  try {
    return holderSchema.parse(parseJson(readFileSync(path.join(folder, "process.json"), "utf8")));
  } catch {
    // No file, or a half-written one: nobody has announced itself.
    return undefined;
  }
}

function isBusy(error: unknown): boolean {
  return typeof error === "object" && error !== null && "errcode" in error && error.errcode === 5;
}
