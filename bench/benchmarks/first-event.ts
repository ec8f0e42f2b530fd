import { serverFrameSchema } from "@millrace/contracts";
import type { ServerFrame } from "@millrace/contracts";
import { parseJson, sleep } from "@millrace/kernel";
import { prose } from "../material/prose.ts";
import { FigureCollector } from "../measure/figure.ts";
import { percentile } from "../measure/statistics.ts";
import { startChild } from "../processes/child.ts";
import { startServer } from "../processes/server.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postText } from "./documents-client.ts";
import { TimedSocket } from "./socket.ts";

const documentCount = 100;
const warmUpCount = 5;
const textCharacters = 2_000;
/** Between two documents nothing happens, so that each meets an idle system. */
const pauseMs = 50;
const target = { aim: 50, floor: 100 };

/** How soon those who watch hear of a document, on an idle system. */
export const firstEvent: Benchmark = {
  name: "first-event",
  description: `${documentCount} documents, one after the other on an idle embedded server, p95, seen by a client whose socket to /api/ws is open. "notice": from the 202 to the change notice of the new job (below zero: it came before the 202). "first event": from the 202, which is when the client can subscribe to the document, to its first numbered event. "first event of the worker": to the first one that the job itself sent. Floor: a round trip over a bare WebSocket echo in the same run.`,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`first-event: run ${run} of ${runs}`);
      figures.add("floor: echo round trip, p95", "ms", percentile(await measureEcho(), 0.95));
      const times = await withTemporaryFolder(measureServer);
      const of = (key: keyof DocumentTimes) => times.map((time) => time[key]);
      figures.add("sending the POST to 202, p95", "ms", percentile(of("accepted"), 0.95));
      figures.add("sending the POST to notice, p95", "ms", percentile(of("noticeFromPost"), 0.95));
      figures.add("202 to notice, p95", "ms", percentile(of("notice"), 0.95));
      figures.add("202 to first event, p50", "ms", percentile(of("firstEvent"), 0.5));
      figures.add("202 to first event, p95", "ms", percentile(of("firstEvent"), 0.95), target);
      figures.add("202 to first event of the worker, p50", "ms", percentile(of("workerEvent"), 0.5));
      figures.add("202 to first event of the worker, p95", "ms", percentile(of("workerEvent"), 0.95), target);
      figures.add("202 to end of the job, p50", "ms", percentile(of("completed"), 0.5));
    }
    return figures.figures();
  },
};

/** Milliseconds, from the 202 unless named otherwise. */
type DocumentTimes = {
  readonly accepted: number;
  readonly noticeFromPost: number;
  readonly notice: number;
  readonly firstEvent: number;
  readonly workerEvent: number;
  readonly completed: number;
};

async function measureServer(folder: string): Promise<DocumentTimes[]> {
  const server = await startServer({ dataDirectory: folder });
  try {
    const socket = await TimedSocket.open(`${server.address.replace("http", "ws")}/api/ws`, "millrace.v1");
    socket.send(JSON.stringify({ op: "sub", topic: "jobs" }));
    const times: DocumentTimes[] = [];
    for (let index = 0; index < documentCount + warmUpCount; index += 1) {
      const measured = await measureDocument(server.address, socket, prose(textCharacters, index));
      if (index >= warmUpCount) times.push(measured);
      await sleep(pauseMs);
    }
    socket.close();
    return times;
  } finally {
    await server.stop();
  }
}

async function measureDocument(serverUrl: string, socket: TimedSocket, text: string): Promise<DocumentTimes> {
  const notices: { jobId: unknown; atMs: number }[] = [];
  const stopListening = socket.listen(({ text: frame, atMs }) => {
    const parsed = parseFrame(frame);
    if (parsed.t === "ev" && parsed.topic === "jobs") notices.push({ jobId: parsed.data["job_id"], atMs });
  });
  const sentMs = performance.now();
  const { document, job } = await postText(serverUrl, text);
  const acceptedMs = performance.now();
  const topic = `document:${document.id}`;
  const isEvent = (frame: string, fits: (type: string) => boolean): boolean => {
    const parsed = parseFrame(frame);
    return parsed.t === "ev" && parsed.topic === topic && fits(parsed.type);
  };
  const waiting = Promise.all([
    socket.next((arrival) => isEvent(arrival.text, () => true)),
    socket.next((arrival) => isEvent(arrival.text, (type) => type !== "document.queued")),
    socket.next((arrival) => isEvent(arrival.text, (type) => type === "document.completed")),
  ]);
  socket.send(JSON.stringify({ op: "sub", topic, since: 0 }));
  const [first, worker, completed] = await waiting;
  socket.send(JSON.stringify({ op: "unsub", topic }));
  stopListening();
  const notice = notices.find(({ jobId }) => jobId === job.id);
  return {
    accepted: acceptedMs - sentMs,
    noticeFromPost: (notice?.atMs ?? Number.NaN) - sentMs,
    notice: (notice?.atMs ?? Number.NaN) - acceptedMs,
    firstEvent: first.atMs - acceptedMs,
    workerEvent: worker.atMs - acceptedMs,
    completed: completed.atMs - acceptedMs,
  };
}

function parseFrame(text: string): ServerFrame {
  return serverFrameSchema.parse(parseJson(text));
}

async function measureEcho(): Promise<number[]> {
  const echo = await startChild({ program: "bench/echo-child.ts" });
  try {
    const socket = await TimedSocket.open(echo.address);
    const times: number[] = [];
    for (let index = 0; index < documentCount + warmUpCount; index += 1) {
      const sentMs = performance.now();
      const answer = socket.next(() => true);
      socket.send(`message ${index}`);
      const { atMs } = await answer;
      if (index >= warmUpCount) times.push(atMs - sentMs);
      await sleep(pauseMs / 5);
    }
    socket.close();
    return times;
  } finally {
    await echo.stop();
  }
}
