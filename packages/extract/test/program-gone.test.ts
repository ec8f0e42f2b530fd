import { cp, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@millrace/kernel";
import { expect, it, onTestFinished } from "vitest";
import type { createExtractor } from "../src/index.ts";

/** A copy of this package, from which a test may take parts away. */
async function copyProgram(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "program-gone-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await cp(join(import.meta.dirname, "../src"), join(root, "src"), { recursive: true });
  await symlink(join(import.meta.dirname, "../../../node_modules"), join(root, "node_modules"));
  await writeFile(join(root, "package.json"), `{ "type": "module" }`);
  return root;
}

it("does not blame a file for a part of the program that an upgrade has taken away", async () => {
  const root = await copyProgram();
  const program = (await import(join(root, "src/index.ts"))) as { createExtractor: typeof createExtractor };
  const extractor = program.createExtractor({
    logger: silentLogger,
    tempDirectory: join(root, "tmp"),
    concurrency: 1,
  });
  onTestFinished(() => extractor.stop());
  const path = join(root, "page.html");
  await writeFile(path, "<p>The weir is open.</p>");
  await extractor.start();

  const methods = join(root, "src/methods/html");
  await rename(methods, `${methods}-gone`);
  await expect(extractor.extract({ path, fileName: "page.html" })).rejects.toMatchObject({
    code: "extraction_crashed",
    retryable: true,
  });

  await rename(`${methods}-gone`, methods);
  expect(await extractor.extract({ path, fileName: "page.html" })).toMatchObject({
    text: "The weir is open.",
  });
});
