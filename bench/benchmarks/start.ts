import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { sleep } from "@millrace/kernel";
import { FigureCollector } from "../measure/figure.ts";
import { startChild } from "../processes/child.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import { startServer } from "../processes/server.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postText, waitUntilProcessed } from "./documents-client.ts";
import { prose } from "../material/prose.ts";

const emptyTarget = { aim: 10, floor: 15 };
const existingTarget = { aim: 2.5, floor: 5 };
const idleMs = 5_000;
/** So that the second start opens a folder that was used. */
const documentsBetween = 5;

/** From spawning the process to the line that says it is ready, and the memory it then takes. */
export const start: Benchmark = {
  name: "start",
  description:
    "Spawn to ready line of the all-in-one server: in an empty folder, then again in the same folder with a few documents. Floors: `node -e 0`, and a process that only opens the embedded database. Memory is the resident set of the whole process tree after 5 s of idling.",
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`start: run ${run} of ${runs}`);
      await measureFloors(figures);
      await withTemporaryFolder((folder) => measureServer(figures, folder));
    }
    return figures.figures();
  },
};

async function measureServer(figures: FigureCollector, folder: string): Promise<void> {
  const first = await startServer({ dataDirectory: folder });
  figures.add("empty folder to ready", "s", first.readyAfterMs / 1000, emptyTarget);
  try {
    for (let index = 0; index < documentsBetween; index += 1)
      await postText(first.address, prose(2_000, index));
    await waitUntilProcessed(first.address, documentsBetween);
  } finally {
    await first.stop();
  }
  const second = await startServer({ dataDirectory: folder });
  figures.add("existing folder to ready", "s", second.readyAfterMs / 1000, existingTarget);
  try {
    await sleep(idleMs);
    const bytes = await residentMemoryOfTree(second.process.pid ?? 0);
    if (bytes !== undefined) figures.add("idle memory of the process tree", "MB", bytes / 1e6);
  } finally {
    figures.add("stop", "s", (await second.stop()) / 1000);
  }
}

async function measureFloors(figures: FigureCollector): Promise<void> {
  const beganMs = performance.now();
  await promisify(execFile)(process.execPath, ["-e", "0"]);
  figures.add("floor: node -e 0", "s", (performance.now() - beganMs) / 1000);
  await withTemporaryFolder(async (folder) => {
    for (const kind of ["empty", "existing"]) {
      const child = await startChild({ program: "bench/open-database-child.ts", programArguments: [folder] });
      figures.add(`floor: database alone, ${kind} folder`, "s", child.readyAfterMs / 1000);
      await child.stop();
    }
  });
}
