import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { silentLogger } from "@millrace/kernel";
import { expect, it, onTestFinished } from "vitest";
import { createVirusScanner } from "../src/index.ts";
import { virusSettings } from "../src/settings.ts";
import { eicar } from "./builders/fake-clamd.ts";
import { buildZip } from "./builders/zip.ts";
import { openWorkspace } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const clamd = process.env.CLAMD_PATH ?? "";
const signal = new AbortController().signal;

/** The real daemon, whose database has one signature: the test virus. It reads a megabyte at most. */
async function startClamd(workspace: Workspace): Promise<string> {
  const signatures = `Eicar-Test:0:*:${Buffer.from(eicar).toString("hex")}\n`;
  await mkdir(join(workspace.root, "signatures"));
  const database = dirname(await workspace.write("signatures/test.ndb", signatures));
  const socket = join(workspace.root, "clamd.sock");
  const lines = [
    `LocalSocket ${socket}`,
    `DatabaseDirectory ${database}`,
    "Foreground yes",
    "StreamMaxLength 1M",
  ];
  const daemon = spawn(clamd, ["-c", await workspace.write("clamd.conf", `${lines.join("\n")}\n`)], {
    stdio: "ignore",
  });
  const ended = once(daemon, "exit");
  onTestFinished(async () => {
    daemon.kill("SIGKILL");
    await ended;
  });
  // The file is there before anybody listens.
  await expect.poll(() => isAnswered(socket)).toBe(true);
  return socket;
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

it("has files looked at by a real clamd", async () => {
  const workspace = await openWorkspace();
  const settings = virusSettings.schema.parse({ CLAMAV_ADDRESS: await startClamd(workspace) });
  const scanner = createVirusScanner({ settings, logger: silentLogger });
  const scan = async (name: string, content: string | Uint8Array) =>
    scanner?.scan(await workspace.write(name, content), signal);

  expect(await scan("clean.txt", "The weir is open. ".repeat(50_000))).toEqual([]);
  const found = { code: "file_infected", details: { virus: "Eicar-Test.UNOFFICIAL" } };
  await expect(scan("eicar.txt", eicar)).rejects.toMatchObject(found);
  await expect(
    scan("eicar.zip", buildZip([{ name: "eicar.txt", bytes: Buffer.from(eicar) }])),
  ).rejects.toMatchObject(found);
  // Much more than sockets hold: it is refused while it is still being sent.
  await expect(scan("large.txt", new Uint8Array(20_000_000))).rejects.toMatchObject({
    code: "virus_scan_failed",
    message: expect.stringContaining("StreamMaxLength"),
  });
});
