import { Client } from "pg";
import { within } from "../within.ts";

/** A farewell that is not answered this soon is not: the server is gone or cut off. */
const farewellMs = 500;

export type ListenConnection = {
  readonly client: Client;
  /** Throws when an answer does not come in time, when the connection is lost, and when it is to end. */
  readonly inTime: <Answer>(answer: Promise<Answer>) => Promise<Answer>;
  /** Aborted when the connection is lost or to end. */
  readonly signal: AbortSignal;
};

/**
 * Has a connection for as long as `work` takes, outside of any pool: what it listens to comes to
 * `onNotification`. Afterwards nothing of it is left in this process, even if the network swallows
 * every packet. Throws when it can't be made, and what `work` throws.
 */
export async function withListenConnection<Result>(
  options: {
    readonly url: string;
    /** For connecting and for each answer. */
    readonly answerMs: number;
    readonly signal: AbortSignal;
    readonly onNotification: (channel: string, payload: string) => void;
  },
  work: (connection: ListenConnection) => Promise<Result>,
): Promise<Result> {
  const { answerMs } = options;
  const client = new Client({
    connectionString: options.url,
    keepAlive: true,
    application_name: "millrace-listen",
  });
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  // Without a listener a lost connection would end the process.
  client.on("error", (error) => lost.abort(error));
  client.on("end", () => lost.abort(new Error("the connection was ended")));
  client.on("notification", ({ channel, payload }) => options.onNotification(channel, payload ?? ""));
  try {
    await within(client.connect(), answerMs, signal);
    return await work({ client, signal, inTime: (answer) => within(answer, answerMs, signal) });
  } finally {
    await close(client);
  }
}

async function close(client: Client): Promise<void> {
  const ended = client.end();
  await within(ended, farewellMs, new AbortController().signal).catch(() => undefined);
  // Nothing happens to one that is closed. One cut off would be kept by the system for many minutes.
  client.connection.stream.destroy();
}
