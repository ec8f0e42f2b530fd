/**
 * Beats for all jobs of a worker process from a thread of its own, with its own connection: a
 * handler that blocks the main thread keeps its lease. A job whose beats stop landing, whatever the
 * error, is given up about 10 s before its lease ends (of a lease under 20 s: in its middle). The
 * thread ends when it is terminated.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Client } from "pg";
import { commit } from "../crash-point.ts";
import { beatStatement } from "./beat-statement.ts";
import type { BeatRow } from "./beat-statement.ts";
import type { BeaterSettings, FromBeater, ToBeater } from "./heartbeat-messages.ts";

// What createThreadedHeartbeat gives it. No schema library for that: loading one takes longer than all else here.
const settings = workerData as BeaterSettings;
if (!(settings.leaseMs > 0 && settings.beatMs > 0)) throw new Error("heartbeat-thread needs its times");
const port = parentPort;
if (port === null) throw new Error("heartbeat-thread must run as a worker thread");

const giveUpAfterMs = Math.max(settings.leaseMs - 10_000, settings.leaseMs / 2);
/** More often than the beats: looked at with them, a silence would be noticed up to a beat late. */
const lookEveryMs = Math.min(1_000, settings.beatMs / 4);

type Held = { readonly fence: number; lastBeatMs: number };
const held = new Map<string, Held>();
let client: Client | undefined;
let isBeating = false;

const tell = (message: FromBeater): void => port.postMessage(message);

async function connected(): Promise<Client> {
  if (client !== undefined) return client;
  const fresh = new Client({
    connectionString: settings.url,
    connectionTimeoutMillis: settings.beatMs,
    query_timeout: settings.beatMs,
    keepAlive: true,
    application_name: "millrace-heartbeat",
  });
  // Without a listener a lost connection would end the thread. An old one may still fail late.
  fresh.on("error", () => {
    if (client === fresh) client = undefined;
  });
  await fresh.connect();
  client = fresh;
  return fresh;
}

async function beat(): Promise<void> {
  const before = [...held];
  if (before.length === 0) return;
  const sentMs = performance.now();
  const connection = await connected();
  const ids = before.map(([id]) => id);
  const fences = before.map(([, { fence }]) => fence);
  const answer = await commit("beat", () =>
    connection.query<BeatRow>(beatStatement, [ids, fences, settings.leaseMs]),
  );
  const alive = new Map(answer.rows.map((row) => [row.id, row]));
  for (const [id, job] of before) {
    if (held.get(id) !== job) continue;
    const row = alive.get(id);
    if (row?.is_extended) job.lastBeatMs = sentMs;
    if (row === undefined) giveUp(id, job);
    else if (row.is_cancel_requested) tell({ kind: "cancel_requested", id, fence: job.fence });
  }
}

function giveUp(id: string, { fence }: Held): void {
  held.delete(id);
  tell({ kind: "lost", id, fence });
}

setInterval(() => {
  const now = performance.now();
  for (const [id, job] of held) if (now - job.lastBeatMs > giveUpAfterMs) giveUp(id, job);
}, lookEveryMs);

setInterval(() => {
  if (isBeating) return;
  isBeating = true;
  beat()
    .catch((error: unknown) => {
      tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
      const broken = client;
      client = undefined;
      // Not awaited: over a network that swallows packets its end never comes, and no beat would either.
      broken?.end().catch(() => undefined);
    })
    .finally(() => {
      isBeating = false;
    });
}, settings.beatMs);

port.on("message", (text: string) => {
  const message = JSON.parse(text) as ToBeater; // Written by threaded-heartbeat.
  const nowMs = performance.now();
  for (const [index, id] of message.ids.entries()) {
    const fence = message.fences[index] ?? 0;
    if (message.kind === "hold") held.set(id, { fence, lastBeatMs: nowMs - (message.agesMs[index] ?? 0) });
    else if (held.get(id)?.fence === fence) held.delete(id);
  }
});

tell({ kind: "ready" });
