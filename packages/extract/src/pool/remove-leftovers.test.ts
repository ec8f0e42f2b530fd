import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { folderPrefix, place } from "./folder-name.ts";
import { removeLeftovers } from "./remove-leftovers.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "remove-leftovers-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

it("removes the folders of processes that have ended, and keeps those of processes that run", async () => {
  const ended = spawnSync(process.execPath, ["--version"]).pid;
  const kept = [`${folderPrefix}Abc123`, `millrace-extract-${place}-${process.ppid}-1-Abc123`];
  const left = [ended, process.pid].map((id) => `millrace-extract-${place}-${id}-1-Abc123`);
  for (const name of [...kept, ...left]) await mkdir(join(folder, name, "inside"), { recursive: true });

  await removeLeftovers(folder);

  expect((await readdir(folder)).toSorted()).toEqual(kept.toSorted());
});

it("keeps what another machine made for a day, and everything that is not its own", async () => {
  const names = ["millrace-extract-elsewhere-1-1-fresh1", "millrace-extract-elsewhere-1-1-older1", "else"];
  for (const name of names) await mkdir(join(folder, name));
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  for (const name of names.slice(1)) await utimes(join(folder, name), yesterday, yesterday);

  await removeLeftovers(folder);

  expect((await readdir(folder)).toSorted()).toEqual(["else", "millrace-extract-elsewhere-1-1-fresh1"]);
});
