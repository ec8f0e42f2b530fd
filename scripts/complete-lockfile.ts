import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { completeLockfile } from "./lockfile/complete.ts";

/*
 * `node scripts/complete-lockfile.ts` after npm changed package-lock.json; `--check` only looks.
 * A registry mirror that carries no packages for other platforms makes npm leave them out of the
 * lock file, and `npm ci` then refuses it everywhere. They are added with the version that their
 * parent pins, without a checksum: npm skips them here and fetches them where they are needed.
 */
const isCheck = process.argv.includes("--check");
const folder = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
const path = join(resolve(folder ?? join(import.meta.dirname, "..")), "package-lock.json");

const before = await readFile(path, "utf8");
const { text, added } = completeLockfile(before);
if (added.length === 0) console.log("package-lock.json names every platform's packages.");
else if (isCheck) {
  console.error(`package-lock.json lacks ${added.length} packages, so npm ci would refuse it:`);
  console.error(added.map((name) => `  ${name}`).join("\n"));
  console.error("Run: node scripts/complete-lockfile.ts");
  process.exitCode = 1;
} else {
  await writeFile(path, text);
  console.log(`Added ${added.length} packages of other platforms to package-lock.json.`);
}
