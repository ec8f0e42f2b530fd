import { once } from "node:events";
import { sleep } from "@millrace/kernel";
import { z } from "zod";
import { prose } from "../material/prose.ts";
import { smallPdf } from "../material/small-pdf.ts";
import { FigureCollector } from "../measure/figure.ts";
import type { Child } from "../processes/child.ts";
import { repository } from "../processes/repository.ts";
import { startServer } from "../processes/server.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postFile, postText, waitUntilProcessed } from "./documents-client.ts";

const textCount = 50;
const textCharacters = 8_000;
const pdfCount = 20;
const pdfCharacters = 6_000;
const idleMs = 5_000;
const delayTarget = { aim: 50, floor: 100 };

/** Documents a minute with the built-in models, and how late the server's main thread is meanwhile. */
export const throughput: Benchmark = {
  name: "throughput",
  description: `${textCount} texts of ${textCharacters} characters, then ${pdfCount} PDFs of ${pdfCharacters}, all sent at once and processed with the built-in models in embedded mode. Event-loop delay: the time between ticks of a 10 ms timer on the main thread (so 10 is none), while the texts are sent and processed; its floor is the same thread idle in the same run.`,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`throughput: run ${run} of ${runs}`);
      await withTemporaryFolder(async (folder) => {
        const recorder = `${repository}/bench/loop-delay-recorder.ts`;
        const server = await startServer({ dataDirectory: folder, nodeArguments: ["--import", recorder] });
        try {
          await measure(figures, server, run);
        } finally {
          await server.stop();
        }
      });
    }
    return figures.figures();
  },
};

async function measure(figures: FigureCollector, server: Child, run: number): Promise<void> {
  const url = server.address;
  server.process.send("reset");
  await sleep(idleMs);
  figures.add("floor: event-loop delay, idle, p99", "ms", (await readLoopDelay(server)).p99);

  const texts = Array.from({ length: textCount }, (_, index) => prose(textCharacters, run * 1000 + index));
  server.process.send("reset");
  const textsPerMinute = await perMinute(textCount, async () => {
    await Promise.all(texts.map((text) => postText(url, text)));
    await waitUntilProcessed(url, textCount);
  });
  const delay = await readLoopDelay(server);
  figures.add("texts", "per minute", textsPerMinute);
  figures.add("event-loop delay, p50", "ms", delay.p50);
  figures.add("event-loop delay, p99", "ms", delay.p99, delayTarget);
  figures.add("event-loop delay, longest", "ms", delay.max);
  figures.add("main thread busy", "%", delay.utilization * 100);

  const pdfs = Array.from({ length: pdfCount }, (_, index) =>
    smallPdf(prose(pdfCharacters, run * 1000 + 500 + index)),
  );
  const pdfsPerMinute = await perMinute(pdfCount, async () => {
    await Promise.all(pdfs.map((pdf, index) => postFile(url, `paper-${index}.pdf`, pdf)));
    await waitUntilProcessed(url, textCount + pdfCount);
  });
  figures.add("PDFs", "per minute", pdfsPerMinute);
}

async function perMinute(count: number, work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return (count * 60_000) / (performance.now() - beganMs);
}

const loopDelaySchema = z.object({
  p50: z.number(),
  p99: z.number(),
  max: z.number(),
  utilization: z.number(),
});

async function readLoopDelay({ process: child }: Child): Promise<z.infer<typeof loopDelaySchema>> {
  const answered = once(child, "message", { signal: AbortSignal.timeout(10_000) });
  child.send("read");
  return z.tuple([loopDelaySchema], z.unknown()).parse(await answered)[0];
}
