import { jobDetailSchema, searchResultSchema } from "@millrace/contracts";
import { sleep } from "@millrace/kernel";
import type { z } from "zod";
import { prose } from "../material/prose.ts";
import { smallPdf } from "../material/small-pdf.ts";
import { FigureCollector } from "../measure/figure.ts";
import { startServer } from "../processes/server.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postFile } from "./documents-client.ts";

const pages = 500;
/** What a page of the PDF holds of such prose. */
const charactersPerPage = 3_200;
const lookMs = 25;
const timeoutMs = 600_000;
/** Of the job's progress: where the text is there, and where everything can be searched. */
const extractedPercent = 50;
const indexedPercent = 60;

/** How soon a book can be searched after it was dropped. */
export const searchUpload: Benchmark = {
  name: "search-upload",
  description: `A PDF of about ${pages} pages, from the upload to the first search that finds the words of its last page, and until every passage has its vector, in embedded mode with the built-in vectors. The stages are those that the job tells, looked for every ${lookMs} ms.`,
  isLong: true,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`search-upload: run ${run} of ${runs}`);
      await withTemporaryFolder(async (folder) => {
        const server = await startServer({ dataDirectory: folder });
        try {
          await measure(figures, server.address, { run, wanted: Math.ceil(pages * scale) });
        } finally {
          await server.stop();
        }
      });
    }
    return figures.figures();
  },
};

async function measure(
  figures: FigureCollector,
  url: string,
  { run, wanted }: { readonly run: number; readonly wanted: number },
): Promise<void> {
  const last = "quinquereme";
  const pdf = smallPdf(`${prose(wanted * charactersPerPage, run)}\n\nThe ${last} stands on the last page.`);
  const beganMs = performance.now();
  const { job } = await postFile(url, "book.pdf", pdf);
  figures.add("size of the PDF", "MB", pdf.length / 1e6);
  figures.add("upload answered", "ms", performance.now() - beganMs);

  const begins = new Map<string, number>([["waiting for a worker", beganMs]]);
  let foundMs: number | undefined;
  for (let percent = 0; percent < indexedPercent || foundMs === undefined; await sleep(lookMs)) {
    if (performance.now() - beganMs > timeoutMs) throw new Error(`Not found after ${timeoutMs} ms.`);
    const { progress, state } = await get(`${url}/api/jobs/${job.id}`, jobDetailSchema);
    if (state === "failed") throw new Error("The PDF could not be processed.");
    percent = progress.percent;
    const { stage } = progress;
    if (stage !== null && !begins.has(stage)) begins.set(stage, performance.now());
    if (foundMs !== undefined || percent < extractedPercent) continue;
    const { data } = await get(`${url}/api/search?mode=full_text&q=${last}`, searchResultSchema);
    if (data.length > 0) foundMs = performance.now();
  }
  const endMs = performance.now();
  const times = [...begins.values(), endMs];
  for (const [at, stage] of [...begins.keys()].entries())
    figures.add(`stage: ${stage}`, "s", ((times[at + 1] ?? endMs) - (times[at] ?? endMs)) / 1000);
  figures.add("from upload to found by words", "s", ((foundMs ?? endMs) - beganMs) / 1000);
  figures.add("from upload to all vectors", "s", (endMs - beganMs) / 1000);
}

async function get<Schema extends z.ZodType>(address: string, schema: Schema): Promise<z.output<Schema>> {
  const response = await fetch(address, { signal: AbortSignal.timeout(60_000) });
  return schema.parse(await response.json());
}
