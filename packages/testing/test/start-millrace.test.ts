import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startMillrace } from "../src/index.ts";

it("fails at once, showing the output, when the program ends instead of getting ready", async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), "millrace-start-"));

  const starting = startMillrace({ dataDirectory, commandArguments: ["there-is-no-such-command"] });

  await expect(starting).rejects.toThrow(/Millrace did not start. It printed:\n[^]*\w/);
  await rm(dataDirectory, { recursive: true, force: true });
});
