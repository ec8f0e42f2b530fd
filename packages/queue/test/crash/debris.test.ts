import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@millrace/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDebris, findMarked } from "./debris.ts";

let temporary: string;
let folder: string;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "millrace-debris-"));
  folder = await mkdtemp(join(tmpdir(), "millrace-debris-"));
  await writeFile(join(folder, "lock.sqlite"), "");
});
afterEach(async () => {
  await rm(temporary, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

describe("what is left behind", () => {
  it("is nothing where nothing is but the database's own", () => {
    expect(findDebris({ processes: [], temporary, folder })).toEqual([]);
  });

  it("is a file that nobody has removed, in either folder", async () => {
    await writeFile(join(temporary, "half"), "");
    await writeFile(join(folder, "lock.sqlite-journal"), "");

    expect(findDebris({ processes: [], temporary, folder })).toEqual([
      "the temporary file half is still there",
      "lock.sqlite-journal is still in the data folder",
    ]);
  });

  it.runIf(process.platform === "linux")("is a process that outlives the one that started it", async () => {
    const mark = `CRASH_MARK=${newId()}`;
    const [key = "", value] = mark.split("=");
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], {
      env: { ...process.env, [key]: value },
    });
    await once(child, "spawn");
    const processes = findMarked(mark) ?? [];
    const debris = findDebris({ processes, temporary, folder });
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;

    expect(debris).toEqual([`process ${child.pid} is still there`]);
    expect(findMarked(mark)).toEqual([]);
  });
});
