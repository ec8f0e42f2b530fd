import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "./run-program.ts";

// The web app bundles the contracts, and the lock file decides every library inside it.
const sources = ["apps/web/**/*", "packages/contracts/**/*", "package-lock.json"];
const hashName = ".sources-hash";

/**
 * Builds apps/web when its output is missing or was built from other sources, and says so in one
 * line. Returns false, after showing the output, when the build fails.
 */
export async function ensureWebBuild(root: string): Promise<boolean> {
  const output = join(root, "apps/web/dist");
  const hash = await sourcesHash(root);
  const built = await readFile(join(output, hashName), "utf8").catch(() => "");
  if (built === hash && existsSync(join(output, "index.html"))) {
    console.log("Web app: up to date.");
    return true;
  }
  const result = await runProgram("npm", ["run", "build"], { workingDirectory: root, timeoutMs: 300_000 });
  if (result.exitCode !== 0 || !existsSync(join(output, "index.html"))) {
    console.error(`${result.output}\nWeb app: the build failed. Is everything installed? Try: npm ci`);
    return false;
  }
  await mkdir(output, { recursive: true });
  // Written last, so an interrupted build is repeated instead of served.
  await writeFile(join(output, hashName), hash);
  console.log(`Web app: built in ${(result.durationMs / 1000).toFixed(1)} s.`);
  return true;
}

async function sourcesHash(root: string): Promise<string> {
  const skipped = new Set(["node_modules", "dist"]);
  const paths: string[] = [];
  const found = glob(sources, {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => skipped.has(entry.name),
  });
  for await (const entry of found) if (entry.isFile()) paths.push(join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const path of paths.toSorted()) {
    // Names and lengths are part of it, so moving text between files changes the hash too.
    const content = await readFile(path);
    hash.update(`${path.slice(root.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
