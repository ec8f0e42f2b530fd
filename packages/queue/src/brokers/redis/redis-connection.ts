import { withoutCommand } from "@millrace/cache";
import { Redis } from "ioredis";
import { within } from "../within.ts";

/** A socket that is not closed this soon after we have closed it is cut off, and destroyed. */
const farewellMs = 500;

export type RedisConnection = {
  readonly client: Redis;
  /** Throws when an answer does not come in time, when the connection is lost, and when it is to end. */
  readonly inTime: <Answer>(answer: Promise<Answer>, moreMs?: number) => Promise<Answer>;
  /** Aborted when the connection is lost or to end. */
  readonly signal: AbortSignal;
  /** Gives it up: something about it is not as it should be. */
  readonly fail: (error: Error) => void;
};

export type RedisConnectionOptions = {
  readonly url: string;
  /** What the server's list of clients calls it. */
  readonly name: string;
  /** For connecting and for each answer. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
};

/**
 * Has a connection for as long as `work` takes. It is never made anew and keeps no command for later, so
 * that whoever uses it knows what has become of each. Afterwards nothing of it is left in this process, even
 * if the network swallows every packet. Throws when it can't be made, and what `work` throws.
 */
export async function withRedisConnection<Result>(
  options: RedisConnectionOptions,
  work: (connection: RedisConnection) => Promise<Result>,
): Promise<Result> {
  const { url, name, answerMs } = options;
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    connectTimeout: answerMs,
    disconnectTimeout: farewellMs,
    connectionName: name,
    disableClientInfo: true,
    // All that streams need, and what every server speaks.
    protocol: 2,
  });
  // Without a listener the client would write errors to the console.
  client.on("error", (error: Error) => lost.abort(error));
  client.on("close", () => lost.abort(new Error("the connection was closed")));
  const inTime = <Answer>(answer: Promise<Answer>, moreMs = 0): Promise<Answer> =>
    within(answer, answerMs + moreMs, signal);
  try {
    await inTime(client.connect());
    return await work({ client, inTime, signal, fail: (error) => lost.abort(error) });
  } catch (error) {
    throw withoutCommand(error);
  } finally {
    client.disconnect();
  }
}
