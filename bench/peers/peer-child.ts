/**
 * A process that adds or handles jobs of one queue, as it is told. The loops are the same for every
 * queue; only what `peer.ts` names differs.
 */
import { parseArgs } from "node:util";
import { sleep, toError } from "@millrace/kernel";
import { clockMs } from "./clock.ts";
import { requestSchema } from "./commands.ts";
import type { Answer, Command, Reply } from "./commands.ts";
import { peerNames } from "./peer.ts";
import type { OpenPeer, PeerJob, PeerName } from "./peer.ts";

/** Between two looks at what is not recorded yet. Starts only when every handler is done. */
const lookMs = 10;
const bulkSize = 1000;
const closeTimeoutMs = 10_000;

const openers: Readonly<Record<PeerName, () => Promise<OpenPeer>>> = {
  millrace: async () => (await import("./millrace/millrace.ts")).openMillrace,
  "millrace-batched": async () => (await import("./millrace/millrace.ts")).openMillraceBatched,
  "millrace-forgetting": async () => (await import("./millrace/millrace.ts")).openMillraceForgetting,
  "millrace-embedded": async () => (await import("./millrace/millrace.ts")).openMillraceEmbedded,
  "millrace-redis": async () => (await import("./millrace/millrace.ts")).openMillraceOnRedis,
  "millrace-rabbitmq": async () => (await import("./millrace/millrace.ts")).openMillraceOnRabbitMq,
  bullmq: async () => (await import("./bullmq/bullmq.ts")).openBullmq,
  "pg-boss": async () => (await import("./pg-boss/pg-boss.ts")).openPgBoss,
  "pg-boss-batched": async () => (await import("./pg-boss/pg-boss.ts")).openPgBossBatched,
  "graphile-worker": async () => (await import("./graphile-worker/graphile-worker.ts")).openGraphileWorker,
  "graphile-worker-batched": async () =>
    (await import("./graphile-worker/graphile-worker.ts")).openGraphileWorkerBatched,
};

const { values } = parseArgs({ options: { peer: { type: "string" }, connection: { type: "string" } } });
const name = peerNames.find((known) => known === values.peer);
if (name === undefined) throw new Error(`--peer must be one of ${peerNames.join(", ")}.`);
const openPeer = await openers[name]();
const peer = await openPeer(values.connection ?? "");

let nextIndex = 0;
let handled = 0;
let firstStartMs = Number.NaN;
const starts: number[] = [];
let tellHandled: (() => void) | undefined;

function takeJobs(count: number): PeerJob[] {
  const jobs = Array.from({ length: count }, (_, offset) => ({ index: nextIndex + offset }));
  nextIndex += count;
  return jobs;
}

async function addMany(count: number): Promise<void> {
  for (let left = count; left > 0; left -= bulkSize) await peer.addMany(takeJobs(Math.min(left, bulkSize)));
}

async function addSingly(count: number, inFlight: number): Promise<void> {
  const jobs = takeJobs(count).values();
  const addNext = async (): Promise<void> => {
    for (const job of jobs) await peer.add(job);
  };
  await Promise.all(Array.from({ length: inFlight }, addNext));
}

async function addSpaced(count: number, pauseMs: number): Promise<number[]> {
  const times: number[] = [];
  for (const job of takeJobs(count)) {
    times.push(clockMs());
    await peer.add(job);
    await sleep(pauseMs);
  }
  return times;
}

async function startWorker(jobMs: number, warmUp: number, concurrency: number | undefined): Promise<void> {
  const begin = (index: number): void => {
    const now = clockMs();
    if (handled >= warmUp && Number.isNaN(firstStartMs)) firstStartMs = now;
    starts[index] = now;
  };
  const end = (): void => {
    handled += 1;
    tellHandled?.();
  };
  const run =
    jobMs === 0
      ? (index: number): void => {
          begin(index);
          end();
        }
      : async (index: number): Promise<void> => {
          begin(index);
          await sleep(jobMs);
          end();
        };
  await peer.startWorker({ concurrency, run });
}

async function waitUntilHandled(count: number): Promise<void> {
  if (handled >= count) return;
  await new Promise<void>((resolve) => {
    tellHandled = () => {
      if (handled >= count) resolve();
    };
  });
  tellHandled = undefined;
}

async function obey(command: Command): Promise<Answer> {
  const beganMs = clockMs();
  const answer = (part: Partial<Answer> = {}): Answer => ({
    beganMs,
    endedMs: clockMs(),
    handled,
    timesMs: [],
    ...part,
  });
  switch (command.do) {
    case "add_many":
      await addMany(command.count);
      return answer();
    case "add_singly":
      await addSingly(command.count, command.inFlight);
      return answer();
    case "add_spaced":
      return answer({ timesMs: await addSpaced(command.count, command.pauseMs) });
    case "start_worker":
      await startWorker(command.jobMs, command.warmUp ?? 0, command.concurrency);
      return answer();
    case "wait_until_handled":
      await waitUntilHandled(command.count);
      return answer({ beganMs: firstStartMs });
    case "wait_until_recorded":
      await waitUntilHandled(command.count);
      while ((await peer.countUnfinished()) > 0) await sleep(lookMs);
      return answer({ beganMs: firstStartMs });
    case "report_starts":
      return answer({ timesMs: starts });
  }
}

process.on("message", (message) => {
  const { id, command } = requestSchema.parse(message);
  const reply = (content: Reply): void => void process.send?.(content);
  obey(command).then(
    (answer) => reply({ id, answer }),
    (error: unknown) => reply({ id, error: toError(error).message }),
  );
});

let isClosing = false;
function close(): void {
  if (isClosing) return;
  isClosing = true;
  setTimeout(() => process.exit(1), closeTimeoutMs).unref();
  peer.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
}
process.on("SIGTERM", close);
// A benchmark that was killed cannot tell its children; the channel ends with it.
process.on("disconnect", close);
process.stdout.write(`${name} is ready at ${values.connection ?? ""}\n`);
