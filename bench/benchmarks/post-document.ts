import { parseJson } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { z } from "zod";
import { FigureCollector } from "../measure/figure.ts";
import { runChild, startChild } from "../processes/child.ts";
import type { Child } from "../processes/child.ts";
import { startServer } from "../processes/server.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { countProcessed } from "./documents-client.ts";

const ratePerSecond = 100;
const seconds = 15;
const ratioTarget = { aim: 3, floor: 5 };

type Kind = "embedded" | "postgres";

/** What a client waits for a 202 at 100 documents a second, against one INSERT behind a bare route. */
export const postDocument: Benchmark = {
  name: "post-document",
  description: `POST /api/documents with a text of 10 kB, ${ratePerSecond} a second for ${seconds} s after 2 s of warming up. Open loop: requests leave by the clock and their time counts from when they should have left. "jobs running": the server's worker processes the documents as they come, on the same database and cores. "no jobs": the same server whose worker serves another queue. The bare route is a Fastify route with one INSERT of the same text on the same kind of database; nothing else runs in it. Each run measures all three in turn, the order turning with the run. PostgreSQL is measured too when MILLRACE_TEST_DATABASE_URL is set.`,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (const { name: kind } of testDatabases()) {
      for (let run = 1; run <= runs; run += 1) {
        say(`post-document on ${kind}: run ${run} of ${runs}`);
        await measureRun(figures, kind, run);
      }
    }
    return figures.figures();
  },
};

const subjects = ["bare route", "jobs running", "no jobs"] as const;
type Subject = (typeof subjects)[number];

async function measureRun(figures: FigureCollector, kind: Kind, run: number): Promise<void> {
  const turn = run % subjects.length;
  const measured = new Map<Subject, Load>();
  for (const subject of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
    measured.set(subject, await withTemporaryFolder((folder) => measureSubject(subject, kind, folder)));
  }
  const floor = measured.get("bare route");
  for (const subject of subjects) {
    const load = measured.get(subject);
    if (load === undefined || floor === undefined) continue;
    const label = `${kind}, ${subject}`;
    for (const key of ["p50", "p95", "p99"] as const) figures.add(`${label}: ${key}`, "ms", load[key]);
    if (subject === "bare route") continue;
    figures.add(`${label}: p95 against the bare route`, "×", load.p95 / floor.p95, ratioTarget);
    if (subject === "jobs running") figures.add(`${label}: processed meanwhile`, "documents", load.processed);
  }
}

const loadSchema = z.object({
  answered: z.number(),
  failed: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
});
type Load = z.infer<typeof loadSchema> & { readonly processed: number };

async function measureSubject(subject: Subject, kind: Kind, folder: string): Promise<Load> {
  if (kind === "embedded") return await loadOn(await startSubject(subject, folder, undefined), subject);
  const opener = testDatabases().find(({ name }) => name === kind);
  const opened = await opener?.open({ isMigrated: subject !== "bare route" });
  if (opened?.url === undefined) throw new Error("MILLRACE_TEST_DATABASE_URL is not set.");
  try {
    return await loadOn(await startSubject(subject, folder, opened.url), subject);
  } finally {
    await opened.close();
  }
}

async function startSubject(
  subject: Subject,
  folder: string,
  databaseUrl: string | undefined,
): Promise<Child> {
  if (subject === "bare route") {
    const programArguments =
      databaseUrl === undefined ? ["--folder", folder] : ["--database-url", databaseUrl];
    return await startChild({ program: "bench/bare-insert-child.ts", programArguments });
  }
  return await startServer({
    dataDirectory: folder,
    environment: {
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...(subject === "no jobs" ? { WORKER_QUEUES: "none_of_these" } : {}),
    },
  });
}

async function loadOn(child: Child, subject: Subject): Promise<Load> {
  try {
    const output = await runChild({
      program: "bench/load-child.ts",
      programArguments: [
        "--url",
        child.address,
        "--rate",
        String(ratePerSecond),
        "--seconds",
        String(seconds),
      ],
      timeoutMs: (seconds + 90) * 1000,
    });
    const load = loadSchema.parse(parseJson(output));
    if (load.failed > 0)
      throw new Error(`${load.failed} of ${load.answered + load.failed} requests were not accepted.`);
    const processed = subject === "jobs running" ? (await countProcessed(child.address)).ended : 0;
    if (subject === "jobs running" && processed === 0)
      throw new Error("No job ran while documents were sent.");
    return { ...load, processed };
  } finally {
    await child.stop();
  }
}
