import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { smallHostileFiles } from "./builders/hostile-files.ts";
import { openWorkspace } from "./workspace.ts";

describe("hostile files", () => {
  it.each(smallHostileFiles)("end with their code or are read: $kind", async ({ fileName, make, ends }) => {
    const workspace = await openWorkspace();
    const path = await workspace.write(fileName, make());

    const end = await workspace
      .createExtractor()
      .extract({ path, fileName })
      .then(() => "read", errorCode);

    expect(ends).toContain(end);
  });
});
