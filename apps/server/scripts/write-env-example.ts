import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { settingsExample } from "@millrace/kernel";
import { commandLineSettings } from "../src/cli/settings.ts";
import { settingsSections } from "../src/settings.ts";

/** Writes `.env.example` from the settings, or with `--check` fails when it is not what they say. */
const path = join(import.meta.dirname, "../../../.env.example");
const wanted = settingsExample([...settingsSections, commandLineSettings]);

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
