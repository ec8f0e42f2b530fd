import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { waitFor } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { startCommand, temporaryFolder } from "./command.ts";

describe("millrace start", () => {
  it("tells once why it did not start, also to one who interrupts it meanwhile", async () => {
    await using folder = await temporaryFolder();
    const occupied = createServer().listen(0, "127.0.0.1");
    await once(occupied, "listening");
    const address = occupied.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const command = startCommand(["start"], {
      folder: folder.path,
      environment: { PORT: String(address.port) },
    });
    // From here on it is starting, which takes seconds for a new database.
    await waitFor(() => existsSync(join(folder.path, "data", "lock.sqlite")), {
      describe: "the lock of the folder",
      intervalMs: 10,
    });

    command.process.kill("SIGINT");
    const { code, stderr } = await command.end;
    occupied.close();

    expect(code).toBe(1);
    expect(stderr).toContain("Stopping.");
    expect(stderr).toContain(String(address.port));
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
