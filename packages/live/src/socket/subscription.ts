import { closeCodes } from "@millrace/contracts";
import type { ClientFrame, ServerFrame } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import { anyChange } from "@millrace/queue";
import type { ChangeNotice } from "@millrace/queue";
import { AccessGuard } from "../access-guard.ts";
import { deliverEvents } from "../deliver-events.ts";
import type { DeliveryEnd } from "../deliver-events.ts";
import { historyUnsettled, topicNotFound } from "../errors.ts";
import { eventFrame } from "../hub/event-text.ts";
import type { LiveHub } from "../hub/live-hub.ts";
import type { Connection } from "./connection.ts";

/** How things stand on a topic, and the number of the last event that is part of it. */
export type TopicSnapshot = {
  /**
   * Read before or together with the data: events up to it may already be in the data and none
   * above it may be missing from what follows.
   */
  readonly seq: number;
  readonly data: unknown;
  /** The stream whose events follow. Default: the topic's own name. */
  readonly stream?: string;
};

export type SubscriptionPorts = {
  readonly hub: LiveHub;
  /** Undefined when there is no such topic for this person. */
  readonly snapshot: (access: Access, topic: string) => Promise<TopicSnapshot | undefined>;
  /** Asked when a subscription begins and, at most every 5 s, before something is pushed to it. */
  readonly mayWatch: (access: Access, topic: string) => Promise<boolean>;
  /** Which change notices a person gets. Default: those of the own workspace. */
  readonly mayReceive?: (access: Access, notice: ChangeNotice) => boolean;
};

export type SubscribeFrame = Extract<ClientFrame, { readonly op: "sub" }>;

type RunOptions = {
  readonly ports: SubscriptionPorts;
  readonly connection: Connection;
  readonly frame: SubscribeFrame;
  readonly signal: AbortSignal;
};

/** Resets in a row without an event between them, after which following is given up. */
const maxResets = 3;

export const noticeTopics: readonly string[] = ["workspace", "jobs", "monitor"];

/** Serves one subscription until it ends. Throws what the client must be told. */
export async function runSubscription(options: RunOptions): Promise<void> {
  const { connection, ports, frame } = options;
  const guard = new AccessGuard({
    check: () => ports.mayWatch(connection.access, frame.topic),
    everyMs: connection.limits.recheckMs,
    clock: connection.clock,
  });
  const mayWatch = async () => (await connection.isStillKnown()) && (await guard.isAllowed());
  if (!(await mayWatch())) throw topicNotFound(frame.topic);
  if (noticeTopics.includes(frame.topic)) await runNotices(options, mayWatch);
  else await runNumbered(options, mayWatch);
}

async function runNumbered(options: RunOptions, mayWatch: () => Promise<boolean>): Promise<void> {
  const { connection, ports, frame, signal } = options;
  const { topic } = frame;
  let since = frame.since;
  for (let resets = 0; resets <= maxResets; resets += 1) {
    const snapshot = await ports.snapshot(connection.access, topic);
    if (signal.aborted) return;
    if (snapshot === undefined) throw topicNotFound(topic);
    send(connection, { t: "snap", topic, seq: snapshot.seq, data: snapshot.data });
    const end: DeliveryEnd = await deliverEvents({
      hub: ports.hub,
      stream: snapshot.stream ?? topic,
      since: since ?? snapshot.seq,
      signal,
      mayWatch,
      room: () => connection.room(),
      send: (event) => {
        resets = 0;
        return connection.send(eventFrame(event, topic));
      },
    });
    if (signal.aborted || end.kind === "gone") return;
    if (end.kind === "refused") throw topicNotFound(topic);
    if (end.kind === "stopped") return connection.close(closeCodes.restart, "restarting");
    send(connection, { t: "reset", topic });
    since = undefined;
  }
  throw historyUnsettled(topic);
}

async function runNotices(options: RunOptions, mayWatch: () => Promise<boolean>): Promise<void> {
  const { connection, ports, frame, signal } = options;
  const { topic } = frame;
  const waiting: ChangeNotice[] = [];
  let wake: (() => void) | undefined;
  const mayReceive = ports.mayReceive ?? ((access, notice) => notice.owner === access.workspaceId);
  // Listening begins before the snapshot is read: what changes meanwhile is told after it.
  const unsubscribe = ports.hub.onNotice((notice) => {
    const isMeant = notice.isForAll === true || mayReceive(connection.access, notice);
    if (notice.topic !== topic || !isMeant) return;
    // Thousands may come of one commit, before anybody could take the first: those who watch look at everything then.
    const isMany = waiting.length >= connection.limits.maxOutgoingMessages;
    if (isMany) waiting.length = 0;
    waiting.push(isMany ? anyChange(notice.topic, notice.owner) : notice);
    wake?.();
  });
  const stop = () => wake?.();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const snapshot = await ports.snapshot(connection.access, topic);
    send(connection, { t: "snap", topic, seq: snapshot?.seq ?? 0, data: snapshot?.data ?? {} });
    while (!signal.aborted) {
      const notice = waiting.shift();
      if (notice === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      if (!(await connection.room())) return;
      if (!(await mayWatch())) throw topicNotFound(topic);
      if (signal.aborted) return;
      const { type, data } = notice;
      send(connection, { t: "ev", topic, seq: null, type, data, at: connection.clock.now().toISOString() });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", stop);
  }
}

export function send(connection: Connection, frame: ServerFrame): boolean {
  return connection.send(JSON.stringify(frame));
}
