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
import { Beats, giveUpAfterMs, lookEveryMs } from "./beats.ts";
import { processMs } from "./heartbeat-messages.ts";
import type { BeaterSettings, FromBeater, ToBeater } from "./heartbeat-messages.ts";
import { ToldClaims } from "./told-claims.ts";

// What createThreadedHeartbeat gives it. No schema library for that: loading one takes longer than all else here.
const settings = workerData as BeaterSettings;
if (!(settings.leaseMs > 0 && settings.beatMs > 0)) throw new Error("heartbeat-thread needs its times");
const port = parentPort;
if (port === null) throw new Error("heartbeat-thread must run as a worker thread");

let client: Client | undefined;
let isBeating = false;
let wasLanding = true;

const tell = (message: FromBeater): void => port.postMessage(message);

const beats = new Beats({
  send: async (ids, fences) => {
    const connection = await connected();
    const answer = await commit("beat", () =>
      connection.query<BeatRow>(beatStatement, [ids, fences, settings.leaseMs]),
    );
    return answer.rows;
  },
  giveUpAfterMs: giveUpAfterMs(settings.leaseMs),
  isDoubted: settings.isDoubted,
  listener: () => ({
    onLost: (claim) => tell({ kind: "lost", ...claim }),
    onCancelRequested: (claim) => tell({ kind: "cancel_requested", ...claim }),
  }),
});

const told = new ToldClaims(beats);

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
  if (isBeating) return;
  isBeating = true;
  told.read();
  const sentAtMs = processMs();
  try {
    if ((await beats.beat()) !== undefined) tell({ kind: "landed", sentAtMs });
  } catch (error) {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    const broken = client;
    client = undefined;
    // Not awaited: over a network that swallows packets its end never comes, and no beat would either.
    broken?.end().catch(() => undefined);
  } finally {
    isBeating = false;
    tellLanding();
  }
}

function tellLanding(): void {
  if (beats.doLand === wasLanding) return;
  wasLanding = beats.doLand;
  tell({ kind: "landing", isSo: wasLanding });
}

setInterval(() => {
  told.read();
  beats.giveUpSilent();
  tellLanding();
}, lookEveryMs(settings.beatMs));
setInterval(() => void beat(), settings.beatMs);

port.on("message", (message: ToBeater) => {
  told.hear(message);
  // Of a thread that died before this one: its next beat may have been due long ago.
  if (message.kind === "hold" && message.ageMs > settings.beatMs) {
    told.read();
    beats.giveUpSilent();
    void beat();
  }
});

tell({ kind: "ready" });
