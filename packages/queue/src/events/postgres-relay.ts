import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import { defaultListenTimes, NotificationListener } from "../brokers/postgres/notification-listener.ts";
import type { ListenTimes, ListenWords } from "../brokers/postgres/notification-listener.ts";
import { missedNews } from "./event-relay.ts";
import type { EventNews, EventRelay } from "./event-relay.ts";
import { formatNews, parseNews } from "./news-payload.ts";

/** The one channel on which processes tell each other what happened. */
const newsChannel = "millrace_news";

const listenWords: ListenWords = {
  unheard:
    "What other processes do is not heard at once, and those who watch see it some seconds late. LISTEN does not work through a pooler in transaction mode: set DATABASE_DIRECT_URL to the address of the same database without the pooler, or REDIS_URL.",
  lost: "The connection for news of other processes is lost or can't be made. Those who watch see them some seconds late until it is there again.",
  again: "news of other processes are heard again",
};

type PostgresRelayParts = {
  readonly database: Database;
  /** Must lead to the server without a pooler in transaction mode. */
  readonly listenUrl: string;
  readonly logger: Logger;
  readonly times?: Partial<ListenTimes>;
};

/**
 * News between processes by LISTEN and NOTIFY. They are sent through the database's pool (a pooler is
 * fine) in a transaction of their own. A process that hears does so over one more connection.
 */
export function createPostgresRelay(parts: PostgresRelayParts): EventRelay {
  return new NotifyingRelay(parts);
}

class NotifyingRelay implements EventRelay {
  readonly name = "event relay";
  readonly kind = "postgres";
  readonly #database: Database;
  readonly #self = newId();
  readonly #subscribers = new Set<(news: EventNews) => void>();
  readonly #listener: NotificationListener;
  #state: "new" | "running" | "stopped" = "new";

  constructor({ database, listenUrl, logger, times }: PostgresRelayParts) {
    this.#database = database;
    this.#listener = new NotificationListener({
      url: listenUrl,
      channel: newsChannel,
      words: listenWords,
      logger,
      times: { ...defaultListenTimes, ...times },
      notify: (payload) => this.#notify([payload]),
      onPayload: (payload) => {
        const news = parseNews(payload, this.#self);
        if (news !== undefined) this.#tell(news);
      },
      onHearing: () => this.#tell(missedNews),
    });
  }

  async send(news: EventNews): Promise<void> {
    await this.#notify(formatNews(this.#self, news));
  }

  subscribe(onNews: (news: EventNews) => void): () => void {
    this.#subscribers.add(onNews);
    this.#listenWhenWanted();
    return () => void this.#subscribers.delete(onNews);
  }

  isHearing(): boolean {
    return this.#listener.isHearing;
  }

  async start(): Promise<void> {
    if (this.#state === "new") this.#state = "running";
    this.#listenWhenWanted();
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    await this.#listener.stop();
  }

  #listenWhenWanted(): void {
    if (this.#state === "running" && this.#subscribers.size > 0) this.#listener.start();
  }

  #tell(news: EventNews): void {
    for (const onNews of this.#subscribers) onNews(news);
  }

  /** Writes no row, so that its commit waits for no disk while it keeps others from notifying. */
  async #notify(payloads: readonly string[]): Promise<void> {
    await sql`
      SELECT pg_notify(${newsChannel}, payload) FROM unnest(${payloads}::text[]) AS payload
    `.execute(this.#database.background.queryable);
  }
}
