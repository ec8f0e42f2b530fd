import { silentLogger } from "@millrace/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createVirusScanner } from "../src/index.ts";
import { virusSettings } from "../src/settings.ts";
import { eicar, startFakeClamd } from "./builders/fake-clamd.ts";
import type { FakeClamd } from "./builders/fake-clamd.ts";
import { openWorkspace } from "./workspace.ts";

const daemons: FakeClamd[] = [];
const signal = new AbortController().signal;

afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.stop()));
});

async function startDaemon(answer?: string): Promise<string> {
  const daemon = await startFakeClamd(answer);
  daemons.push(daemon);
  return daemon.address;
}

function scannerAt(address: string, onFailure = "refuse") {
  const settings = virusSettings.schema.parse({ CLAMAV_ADDRESS: address, CLAMAV_ON_FAILURE: onFailure });
  return createVirusScanner({ settings, logger: silentLogger, timeoutMs: 5_000 });
}

describe("virus scanner, asked of a stand-in for clamd", () => {
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
