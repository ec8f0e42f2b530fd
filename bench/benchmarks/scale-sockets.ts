import { serverFrameSchema } from "@millrace/contracts";
import { parseJson, sleep } from "@millrace/kernel";
import { WebSocket } from "ws";
import { z } from "zod";
import { FigureCollector } from "../measure/figure.ts";
import { percentile } from "../measure/statistics.ts";
import { post, withFleet } from "../processes/fleet.ts";
import type { Fleet } from "../processes/fleet.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const sockets = 5000;
/** At once, as browsers that find their server again would not. */
const opening = 200;
const ticks = 60;
const tickMs = 250;
const maxWaitMs = 180_000;
/** Over which clients come back, as ours do. */
const comebackMs = 2000;

/** Thousands who watch one job over two API processes, of which one dies in the middle. */
export const scaleSockets: Benchmark = {
  name: "scale-sockets",
  description: `${sockets} WebSockets, half at each of two processes of \`millrace api\`, watch one job that a worker begins when all of them are there and that reports ${1000 / tickMs} times a second for ${(ticks * tickMs) / 1000} s. "event to last socket": from the time that the database gave an event until the last of the watchers has it, all in one process of the benchmark, which reads them all. In the middle of a second such job one API process is killed with SIGKILL, and its watchers come back to the other within ${comebackMs / 1000} s, each with the last number it saw. Lost and doubled: numbers that a watcher lacks or got twice, both jobs together. Memory: of both API processes, before and with the sockets.`,
  isLong: true,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`scale-sockets: run ${run} of ${runs}`);
      await withFleet({}, (fleet) => measure(figures, fleet, { count: Math.ceil(sockets * scale), say }));
    }
    return figures.figures();
  },
};

async function measure(
  figures: FigureCollector,
  { role }: Fleet,
  { count, say }: { readonly count: number; readonly say: (line: string) => void },
): Promise<void> {
  const [first, second] = [await role("api"), await role("api")];
  const urls = [first.address, second.address] as const;
  await role("worker", "-Q", "calls");
  const memory = async (): Promise<number> => {
    const sizes = [first, second].map(({ process }) => residentMemoryOfTree(process.pid ?? 0));
    return (await Promise.all(sizes)).reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  };
  const before = await memory();
  const quiet = await watchTicks(urls, count);
  try {
    figures.add("memory of a socket", "kB", ((await memory()) - before) / count / 1000);
    await post(`${first.address}/api/queues/calls/resume`, {});
    await untilAll(quiet, "to hear of the job's end", ({ hasEnded }) => hasEnded);
  } finally {
    closeAll(quiet);
  }
  figures.add("event to last socket, p50", "ms", percentile(spreads(quiet), 0.5));
  figures.add("event to last socket, p95", "ms", percentile(spreads(quiet), 0.95));

  const stormy = await watchTicks(urls, count);
  try {
    await post(`${first.address}/api/queues/calls/resume`, {});
    await sleep((ticks * tickMs) / 3);
    first.process.kill("SIGKILL");
    await untilAll(stormy, "to hear of the job's end", ({ hasEnded }) => hasEnded);
  } finally {
    closeAll(stormy);
  }
  figures.add(
    "came back",
    "",
    stormy.reduce((sum, { comebacks }) => sum + comebacks, 0),
  );
  const all = [...quiet, ...stormy];
  const refusals = all.flatMap((watcher) => watcher.refusals);
  figures.add("subscriptions refused for a time", "", refusals.length);
  if (refusals.length > 0) say(`refused: ${[...new Set(refusals)].join(", ")}`);
  figures.add("events lost", "", sumOf(all, "lost"), { aim: 0, floor: 0 });
  figures.add("events doubled", "", sumOf(all, "doubled"), { aim: 0, floor: 0 });
}

/** All watch a job that begins when its queue is resumed: who comes later would not hear of its end. */
async function watchTicks(urls: readonly [string, string], count: number): Promise<Watcher[]> {
  await post(`${urls[0]}/api/queues/calls/pause`, {});
  const accepted = await post(`${urls[0]}/api/tasks/tick/jobs`, {
    input: { times: ticks, pauseMs: tickMs },
  });
  const { id } = z.object({ id: z.string() }).parse(accepted);
  const watchers = Array.from({ length: count }, (_, index) => new Watcher(`job:${id}`, urls, index));
  const waiting = watchers.values();
  const openNext = async (): Promise<void> => {
    for (const watcher of waiting) await watcher.open();
  };
  try {
    await Promise.all(Array.from({ length: opening }, openNext));
    await untilAll(watchers, "to be answered", ({ isWatching }) => isWatching);
  } catch (error) {
    closeAll(watchers);
    throw error;
  }
  return watchers;
}

async function untilAll(
  watchers: readonly Watcher[],
  what: string,
  isDone: (watcher: Watcher) => boolean,
): Promise<void> {
  const deadlineMs = performance.now() + maxWaitMs;
  for (;;) {
    const missing = watchers.filter((watcher) => !isDone(watcher)).length;
    if (missing === 0) return;
    if (performance.now() > deadlineMs) {
      const refusals = new Set(watchers.flatMap((watcher) => watcher.refusals));
      const why = refusals.size === 0 ? "" : ` Refused: ${[...refusals].join(", ")}.`;
      throw new Error(`${missing} of ${watchers.length} watchers had yet ${what}.${why}`);
    }
    await sleep(100);
  }
}

/** What is not closed comes back for ever. */
function closeAll(watchers: readonly Watcher[]): void {
  for (const watcher of watchers) watcher.close();
}

/** For each event the time until the last of them had it. */
function spreads(watchers: readonly Watcher[]): number[] {
  const latest = new Map<number, number>();
  for (const { delays } of watchers) {
    for (const [seq, ms] of delays) latest.set(seq, Math.max(latest.get(seq) ?? 0, ms));
  }
  return [...latest.values()];
}

function sumOf(watchers: readonly Watcher[], what: "lost" | "doubled"): number {
  return watchers.reduce((sum, watcher) => sum + watcher[what], 0);
}

/** One who watches a job, and comes back when the connection is lost. */
class Watcher {
  /** Milliseconds from the event's own time until it was here, by number. */
  readonly delays = new Map<number, number>();
  lost = 0;
  doubled = 0;
  comebacks = 0;
  /** The codes with which subscriptions were refused, which it asked for again. */
  readonly refusals: string[] = [];
  /** What it watches has been shown to it. */
  isWatching = false;
  hasEnded = false;
  readonly #topic: string;
  readonly #urls: readonly string[];
  #nextUrl: number;
  #lastSeq: number | undefined;
  #socket: WebSocket | undefined;
  #isClosed = false;

  constructor(topic: string, urls: readonly string[], index: number) {
    this.#topic = topic;
    this.#urls = urls;
    this.#nextUrl = index;
  }

  /** Resolves when the first answer is there. */
  open(): Promise<void> {
    const url = this.#urls[this.#nextUrl++ % this.#urls.length] ?? "";
    const socket = new WebSocket(`${url.replace("http", "ws")}/api/ws`, "millrace.v1");
    this.#socket = socket;
    const answered = Promise.withResolvers<void>();
    socket.on("open", () => {
      this.#subscribe(socket);
    });
    socket.on("message", (data) => {
      this.#heard(socket, (data as Buffer).toString());
      answered.resolve();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      answered.resolve();
      if (!this.#isClosed) this.#comeBack();
    });
    return answered.promise;
  }

  #subscribe(socket: WebSocket): void {
    const since = this.#lastSeq === undefined ? {} : { since: this.#lastSeq };
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ op: "sub", topic: this.#topic, ...since }));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.terminate();
  }

  #comeBack(): void {
    this.comebacks += 1;
    setTimeout(() => void this.open(), Math.random() * comebackMs);
  }

  #heard(socket: WebSocket, text: string): void {
    const frame = serverFrameSchema.parse(parseJson(text));
    if (frame.t === "err") {
      this.refusals.push(frame.code);
      const seconds = frame.retry_after_seconds;
      if (seconds === undefined) return;
      // A server with too much to do would never be done if all asked again and again.
      const longest = Math.max(seconds, Math.min(60, seconds * 2 ** this.refusals.length));
      setTimeout(() => this.#subscribe(socket), (seconds + Math.random() * (longest - seconds)) * 1000);
    }
    this.isWatching ||= frame.t === "snap";
    // What a fresh watcher is shown stands for all before; one who comes back asks for what it missed.
    if (frame.t === "snap") this.#lastSeq ??= frame.seq;
    if (frame.t !== "ev" || frame.seq === null) return;
    const last = this.#lastSeq ?? frame.seq - 1;
    if (frame.seq <= last) this.doubled += 1;
    else this.lost += frame.seq - last - 1;
    this.#lastSeq = Math.max(last, frame.seq);
    this.delays.set(frame.seq, Date.now() - Date.parse(frame.at));
    if (frame.type === "job.succeeded") this.hasEnded = true;
  }
}
