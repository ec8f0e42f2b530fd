import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { toError } from "@millrace/kernel";
import { extractFolder } from "./extraction/extract-folder.ts";
import { fileTable, formatTable } from "./extraction/report.ts";
import { machineConditions } from "./measure/machine.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: "string" },
    /** Leaves the table of single files out. */
    summary: { type: "boolean", default: false },
    /** Of each kind of file at most so many, evenly spread over the folder. */
    limit: { type: "string", default: "100000" },
  },
});

const [folder] = positionals;
const limit = Number(values.limit);
if (folder === undefined || positionals.length > 1)
  throw new Error("Name one folder: npm run bench:extract -- FOLDER");
if (!Number.isInteger(limit) || limit < 1) throw new Error("--limit must be a whole number above 0.");

// The "exit" event, on which children are killed, does not come by itself after a signal.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

try {
  const results = await extractFolder({ folder, limit, say: (line) => console.error(line) });
  const sections = [
    ["# Extraction", ...(await machineConditions()).map((line) => `- ${line}`)].join("\n"),
    formatTable(results),
    ...(values.summary ? [] : [fileTable(results)]),
  ];
  console.log(sections.join("\n\n"));
  if (values.report !== undefined) await writeFile(values.report, `${sections.join("\n\n")}\n`);
} catch (error) {
  console.error(toError(error).message);
  process.exitCode = 1;
}
