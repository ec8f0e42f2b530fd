import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { silentLogger } from "@millrace/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createVirusScanner } from "../src/index.ts";
import { virusSettings } from "../src/settings.ts";
import { openWorkspace } from "./workspace.ts";

/** The file that every scanner takes for a virus, in two parts, so that none does so with this one. */
const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].join("");
const daemons: Server[] = [];
const signal = new AbortController().signal;

afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.close();
    await once(daemon, "close");
  }
});

/** A daemon that speaks INSTREAM: it finds the test file, and nothing else. */
async function startDaemon(answer?: string): Promise<string> {
  const daemon = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      const content = contentOf(received);
      if (content === undefined) return;
      const verdict = content.includes(eicar) ? "stream: Eicar-Test-Signature FOUND" : "stream: OK";
      socket.end(`${answer ?? verdict}\0`);
    });
  });
  daemons.push(daemon);
  daemon.listen(0, "127.0.0.1");
  await once(daemon, "listening");
  return `127.0.0.1:${(daemon.address() as AddressInfo).port}`;
}

/** What was sent, once the empty piece at the end is there. */
function contentOf(received: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  let at = "zINSTREAM\0".length;
  while (at + 4 <= received.length) {
    const length = received.readUInt32BE(at);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(received.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}

function scannerAt(address: string, onFailure = "refuse") {
  const settings = virusSettings.schema.parse({ CLAMAV_ADDRESS: address, CLAMAV_ON_FAILURE: onFailure });
  return createVirusScanner({ settings, logger: silentLogger, timeoutMs: 5_000 });
}

describe("virus scanner", () => {
  it("passes a clean file of many pieces", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("clean.txt", "The weir is open. ".repeat(100_000));

    expect(await scannerAt(await startDaemon())?.scan(path, signal)).toEqual([]);
  });

  it("refuses the test virus and names it", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("eicar.txt", eicar);

    const scan = scannerAt(await startDaemon())?.scan(path, signal);

    await expect(scan).rejects.toMatchObject({
      code: "file_infected",
      retryable: false,
      details: { virus: "Eicar-Test-Signature" },
    });
  });

  it("refuses what could not be scanned, to be tried again when the daemon is away", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "text");

    await expect(scannerAt("127.0.0.1:1")?.scan(path, signal)).rejects.toMatchObject({
      code: "virus_scanner_unavailable",
      retryable: true,
    });
    const limited = await startDaemon("INSTREAM size limit exceeded. ERROR");
    await expect(scannerAt(limited)?.scan(path, signal)).rejects.toMatchObject({ code: "virus_scan_failed" });
  });

  it("lets it pass with a warning where the operator says so", async () => {
    const workspace = await openWorkspace();
    const path = await workspace.write("a.txt", "text");

    const warnings = await scannerAt("127.0.0.1:1", "accept")?.scan(path, signal);

    expect(warnings?.map(({ code }) => code)).toEqual(["not_scanned"]);
  });

  it("is not there without an address", () => {
    expect(
      createVirusScanner({ settings: virusSettings.schema.parse({}), logger: silentLogger }),
    ).toBeUndefined();
  });
});
