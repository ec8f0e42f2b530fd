import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { runCommand, temporaryFolder } from "./command.ts";

describe("a role of its own", () => {
  it.each(["api", "worker"])("%s says what to do without a database server", async (role) => {
    await using folder = await temporaryFolder();

    const { code, stderr } = await runCommand([role], { folder: folder.path });

    expect(code).toBe(2);
    expect(stderr).toContain("DATABASE_URL");
    expect(stderr).toContain("millrace start");
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("refuses a broker between processes where there can be only one", async () => {
    await using folder = await temporaryFolder();
    const environment = { BROKER_URL: "redis://127.0.0.1:1" };

    const { code, stderr } = await runCommand(["start"], { folder: folder.path, environment });

    expect(code).toBe(2);
    expect(stderr).toContain("broker_needs_database_server");
  });

  it.each([
    [["worker", "-c", "0"], "--concurrency"],
    [["worker", "-Q", "Chat!"], "WORKER_QUEUES"],
    [["worker", "-Q", "chat:many"], "WORKER_QUEUES"],
    [["worker", "--processes", "65"], "--processes"],
    [["api", "-p", "65536"], "--port"],
    [["api", "-l", "loud"], "LOG_LEVEL"],
  ])("refuses %j before it opens anything", async (words, about) => {
    await using folder = await temporaryFolder();

    const { code, stderr } = await runCommand(words, { folder: folder.path });

    expect(code).toBe(2);
    expect(stderr).toContain(about);
  });
});
