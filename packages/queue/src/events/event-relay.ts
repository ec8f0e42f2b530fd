import type { Service } from "@millrace/kernel";
import type { ChangeNotice, StreamsMoved } from "./event.ts";

/** What processes tell each other of what they have committed: how far streams came, never what happened. */
export type EventNews = StreamsMoved & { readonly notices: readonly ChangeNotice[] };

/**
 * Carries news between processes, to all who subscribe. Some may be lost, doubled or come in another
 * order: those who watch read the events from the database, and look there every few seconds anyway.
 * News of a process do not come back to itself.
 */
export type EventRelay = Service & {
  readonly kind: "postgres" | "redis";
  /** Resolves when the relay has them, rejects when it may not; in bounded time. */
  readonly send: (news: EventNews) => Promise<void>;
  /**
   * Calls back until the returned function is called, also with `missedNews` whenever some may have been
   * lost on the way here. Must not throw. Heard from start to stop.
   */
  readonly subscribe: (onNews: (news: EventNews) => void) => () => void;
  /** Whether news of others come through now; false while nobody subscribes. */
  readonly isHearing: () => boolean;
};

/** In `crowded`: of all domains. */
export const everyDomain = "*";

/** That something of a topic changed, and nobody knows any more what. */
export function anyChange(topic: ChangeNotice["topic"], owner: string | null): ChangeNotice {
  return { topic, owner, type: `${topic}.changed`, data: {} };
}

export const noticeTopics = ["workspace", "jobs", "monitor"] as const;

/** That anything may have happened: all who watch are to look. */
export const missedNews: EventNews = {
  heads: [],
  crowded: [everyDomain],
  notices: noticeTopics.map((topic) => ({ ...anyChange(topic, null), isForAll: true })),
};
