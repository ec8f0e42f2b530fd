import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { settingsExample } from "../packages/kernel/src/index.ts";
import { settingsSections } from "../apps/server/src/settings.ts";

/** Writes `.env.example` from the settings, or with `--check` fails when it is not what they say. */
const path = join(import.meta.dirname, "../.env.example");
const wanted = settingsExample(settingsSections);

if (process.argv.includes("--check")) {
  const present = await readFile(path, "utf8").catch(() => "");
  if (present !== wanted) {
    console.error(".env.example is not what the settings say. Run: npm run settings:example");
    process.exitCode = 1;
  }
} else {
  await writeFile(path, wanted);
  console.log("Wrote .env.example");
}
