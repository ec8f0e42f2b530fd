/** Several processes at one database, played by brokers and queues with pools of their own. */
import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { testDatabases, waitFor } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { Client } from "pg";
import { createPostgresBroker } from "../src/index.ts";
import type { BrokerTimes, PostgresBroker } from "../src/index.ts";

export type Warning = { readonly level: "info" | "warn"; readonly text: string };

/** A logger that keeps what it was told. */
export function recordingLogger(): { readonly logger: Logger; readonly told: Warning[] } {
  const told: Warning[] = [];
  const logger = silentLogger.child({});
  const record = (level: Warning["level"]) => {
    return (fields: unknown, text?: string) =>
      void told.push({ level, text: typeof fields === "string" ? fields : (text ?? "") });
  };
  Object.assign(logger, { info: record("info"), warn: record("warn") });
  return { logger, told };
}

export type OpenedBroker = {
  readonly broker: PostgresBroker;
  readonly database: Database;
  readonly told: readonly Warning[];
  /** What its subscription of `queues` was told, in order. */
  readonly hints: readonly string[];
};

export type BrokerOptions = {
  /** Default: none, and no subscription. */
  readonly queues?: readonly string[];
  /** Default: the database's own. */
  readonly listenUrl?: string;
  /** Of the pool. Default: the database's own. */
  readonly url?: string;
  readonly times?: Partial<BrokerTimes>;
};

export class BrokerScene {
  readonly opened: TestDatabase;
  readonly url: string;
  readonly #endings: (() => Promise<void>)[] = [];

  constructor(opened: TestDatabase) {
    if (opened.url === undefined) throw new Error("this needs PostgreSQL");
    this.opened = opened;
    this.url = opened.url;
  }

  static async open(): Promise<BrokerScene> {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("this test needs PostgreSQL");
    return new BrokerScene(await kind.open());
  }

  /** Called after the test, the last first. */
  atEnd(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  async clear(): Promise<void> {
    for (const end of this.#endings.splice(0).toReversed()) await end();
  }

  /** As a process has it, started. */
  async openBroker(options: BrokerOptions = {}): Promise<OpenedBroker> {
    const { logger, told } = recordingLogger();
    const database = openPostgres({ url: options.url ?? this.url, poolSize: 4, logger });
    const listenUrl = options.listenUrl ?? this.url;
    const broker = createPostgresBroker({ database, listenUrl, logger, times: options.times ?? {} });
    this.atEnd(() => database.close());
    this.atEnd(() => broker.stop());
    const hints: string[] = [];
    if (options.queues !== undefined) broker.subscribe(options.queues, (queue) => void hints.push(queue));
    await broker.start();
    return { broker, database, told, hints };
  }

  /** The same, when it hears others. */
  async openHearing(options: BrokerOptions & { readonly queues: readonly string[] }): Promise<OpenedBroker> {
    const opened = await this.openBroker(options);
    await waitFor(() => opened.broker.isHearing() && opened.hints.length >= options.queues.length, {
      describe: "the broker to hear, and to have told of what it may have missed",
    });
    return opened;
  }

  /** Everything that is sent on the channel from now on, by whomever. */
  async overhear(): Promise<string[]> {
    const client = new Client({ connectionString: this.url, application_name: "test" });
    const payloads: string[] = [];
    client.on("notification", ({ payload }) => void payloads.push(payload ?? ""));
    await client.connect();
    this.atEnd(() => client.end());
    await client.query("LISTEN millrace_hint");
    return payloads;
  }

  async send(payload: string): Promise<void> {
    await sql`SELECT pg_notify('millrace_hint', ${payload})`.execute(this.opened.database.queryable);
  }

  /** The server's side of all connections that listen for hints. */
  async listeners(): Promise<number[]> {
    const found = await sql<{ pid: number }>`
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'millrace-listen'
    `.execute(this.opened.database.queryable);
    return found.rows.map(({ pid }) => pid);
  }
}
