/**
 * Beats for all jobs of a worker process from a thread of its own, with its own connection: a
 * handler that blocks the main thread keeps its lease. When beats stop landing, the jobs are given
 * up 10 s before the lease ends, whatever the error.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Client } from "pg";
import { z } from "zod";
import type { FromBeater, ToBeater } from "./heartbeat-messages.ts";

const settings = z.object({ url: z.string(), leaseMs: z.number(), beatMs: z.number() }).parse(workerData);
const port = parentPort;
if (port === null) throw new Error("heartbeat-thread must run as a worker thread");

const giveUpAfterMs = Math.max(settings.leaseMs - 10_000, settings.leaseMs / 2);
type Held = { readonly fence: number; lastBeatMs: number };
const held = new Map<string, Held>();
let client: Client | undefined;

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
  // Without a listener a lost connection would end the thread.
  fresh.on("error", () => {
    client = undefined;
  });
  await fresh.connect();
  client = fresh;
  return fresh;
}

async function beat(): Promise<void> {
  const before = [...held];
  if (before.length === 0) return;
  const sentMs = performance.now();
  const answer = await (
    await connected()
  ).query<{ id: string; is_cancel_requested: boolean }>(
    `UPDATE job SET lease_until = now() + $3::double precision * interval '1 millisecond'
     FROM unnest($1::uuid[], $2::bigint[]) AS mine (id, fence)
     WHERE job.id = mine.id AND job.fence = mine.fence AND job.state = 'running'
     RETURNING job.id, job.cancel_requested_at IS NOT NULL AS is_cancel_requested`,
    [before.map(([id]) => id), before.map(([, { fence }]) => fence), settings.leaseMs],
  );
  const alive = new Map(answer.rows.map((row) => [row.id, row]));
  for (const [id, job] of before) {
    if (held.get(id) !== job) continue;
    const row = alive.get(id);
    job.lastBeatMs = row === undefined ? job.lastBeatMs : sentMs;
    if (row === undefined) giveUp(id, job);
    else if (row.is_cancel_requested) tell({ kind: "cancel_requested", id, fence: job.fence });
  }
}

function giveUp(id: string, { fence }: Held): void {
  held.delete(id);
  tell({ kind: "lost", id, fence });
}

let isBeating = false;
const timer = setInterval(() => {
  const now = performance.now();
  for (const [id, job] of held) if (now - job.lastBeatMs > giveUpAfterMs) giveUp(id, job);
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

port.on("message", (message: ToBeater) => {
  if (message.kind === "hold") held.set(message.id, { fence: message.fence, lastBeatMs: performance.now() });
  else if (message.kind === "release") {
    if (held.get(message.id)?.fence === message.fence) held.delete(message.id);
  } else {
    clearInterval(timer);
    void Promise.resolve(client?.end()).finally(() => port.close());
  }
});
