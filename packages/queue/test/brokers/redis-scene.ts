/** The Redis of the tests, in which each file has streams of its own. */
import { newId } from "@millrace/kernel";
import { Redis } from "ioredis";
import { createRedisBroker } from "../../src/brokers/redis/redis-broker.ts";
import type { RedisTimes } from "../../src/brokers/redis/redis-times.ts";
import type { BrokerParts, RemoteBroker } from "./scenes.ts";

/** Short, because tests wait for them. What is given for an answer must do for a busy machine. */
const redisTimes = {
  minPauseMs: 40,
  maxPauseMs: 100,
  answerMs: 1_000,
  blockMs: 200,
  lookEveryMs: 200,
  tidyEveryMs: 200,
  // Longer than the pauses of a busy machine between a hint and its settlement in a test.
  unsettledMs: 2_000,
  regroupMs: 100,
};

export type RedisPlace = {
  readonly url: string;
  /** As a person at a prompt. */
  readonly client: Redis;
  /** Of all streams, and what the server's list of clients calls the brokers. */
  readonly keyPrefix: string;
  readonly streamOf: (queue: string) => string;
  readonly createBroker: (
    parts: Pick<BrokerParts, "url" | "logger"> & { readonly times?: Partial<RedisTimes> },
  ) => ReturnType<typeof createRedisBroker>;
  /** Removes the streams of this file. */
  readonly close: () => Promise<void>;
};

export async function openRedisPlace(url = process.env.MILLRACE_TEST_REDIS_URL ?? ""): Promise<RedisPlace> {
  const keyPrefix = `test-${newId()}.`;
  const client = new Redis(url);
  // Tests kill servers; without a listener that is written to the console.
  client.on("error", () => undefined);
  return {
    url,
    client,
    keyPrefix,
    streamOf: (queue) => `${keyPrefix}millrace.${queue}`,
    createBroker: ({ url: itsUrl, logger, times }) =>
      createRedisBroker({
        url: itsUrl,
        logger,
        keyPrefix,
        name: keyPrefix,
        times: { ...redisTimes, ...times },
      }),
    close: async () => {
      const keys = await client.keys(`${keyPrefix}*`).catch(() => []);
      if (keys.length > 0) await client.del(keys);
      client.disconnect();
    },
  };
}

export function redisRemote({ url, client, createBroker, streamOf, close }: RedisPlace): RemoteBroker {
  let nth = 0;
  const garbage: readonly (readonly [string, string])[] = [
    ["hint", "no JSON"],
    ["hint", '{"queue":7}'],
    ["something", "else"],
    ["hint", "x".repeat(100_000)],
  ];
  return {
    url: () => url,
    create: createBroker,
    sendGarbage: async (queue) => {
      await client.xadd(streamOf(queue), "*", ...(garbage[nth++ % garbage.length] ?? ["a", "b"]));
    },
    close,
  };
}
