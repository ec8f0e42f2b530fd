import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { lockFolder, readHolder } from "../src/index.ts";
import { spawnScript } from "./spawn-script.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const holdingScript = new URL("./folder-lock-child.ts", import.meta.url);

describe("the lock of a data folder", () => {
  it("is refused while another process has it, and free at once when that is killed", async () => {
    const folder = temporaryFolder();
    const other = spawnScript(holdingScript, [folder]);
    onTestFinished(other.kill);
    await other.wrote(1);

    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: "data_folder_in_use" }));
    expect(readHolder(folder)).toEqual({ pid: other.child.pid, url: "http://127.0.0.1:1" });

    await other.kill();

    const lock = lockFolder(folder);
    expect(readHolder(folder)).toEqual({ pid: process.pid });
    lock.release();
  });

  it("is refused to another process through many attempts of this one", async () => {
    const folder = temporaryFolder();
    const lock = lockFolder(folder);
    onTestFinished(lock.release);
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: "data_folder_in_use" }));
    }

    const other = spawnScript(holdingScript, [folder]);
    onTestFinished(other.kill);

    await expect(other.wrote(1)).rejects.toThrow();
    expect(readHolder(folder)).toEqual({ pid: process.pid });
  });

  it("leaves no holder behind when released, also twice", () => {
    const folder = temporaryFolder();
    const lock = lockFolder(folder);
    lock.announce("http://127.0.0.1:2");
    expect(readHolder(folder)).toEqual({ pid: process.pid, url: "http://127.0.0.1:2" });

    lock.release();
    const next = lockFolder(folder);
    lock.release();

    expect(readHolder(folder)).toEqual({ pid: process.pid });
    next.release();
    expect(existsSync(path.join(folder, "process.json"))).toBe(false);
    expect(readHolder(folder)).toBeUndefined();
  });

  it("makes the folder", () => {
    const folder = path.join(temporaryFolder(), "a", "b");

    lockFolder(folder).release();

    expect(existsSync(path.join(folder, "lock.sqlite"))).toBe(true);
  });

  it("is refused where no folder can be, saying so", () => {
    const file = path.join(temporaryFolder(), "file");
    writeFileSync(file, "");

    expect(() => lockFolder(file)).toThrow(expect.objectContaining({ code: "data_folder_unusable" }));
    expect(() => lockFolder(path.join(file, "below"))).toThrow(
      expect.objectContaining({ code: "data_folder_unusable" }),
    );
  });

  it.each(["", "{", "[]", '{"pid":"1"}'])("has no known holder when process.json says %j", (text) => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, "process.json"), text);

    expect(readHolder(folder)).toBeUndefined();
  });
});
