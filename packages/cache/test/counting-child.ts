/** Asks for one value many times at once and computes it slowly, telling of each computing. */
import { silentLogger, sleep } from "@millrace/kernel";
import { z } from "zod";
import { RedisConnection, RedisStore, StoredCache } from "../src/index.ts";

const [url = "", key = "", callers = "1", computeMs = "100"] = process.argv.slice(2);
const redis = new RedisConnection({ url, logger: silentLogger, timeoutMs: 5_000, purpose: "cache" });
await redis.start();
const cache = new StoredCache({
  store: new RedisStore({ redis, prefix: "millrace:" }),
  logger: silentLogger,
});
const tell = (line: string) => void process.stdout.write(`${line}\n`);
tell("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
const options = { ttlMs: 3_600_000, schema: z.string(), lockMs: 500 };
const compute = async (): Promise<string> => {
  tell("computing");
  await sleep(Number(computeMs));
  return `of ${process.pid}`;
};
const found = await Promise.all(
  Array.from({ length: Number(callers) }, () => cache.once(key, options, compute)),
);
tell(`found ${[...new Set(found)].join(",")}`);
await redis.stop();
process.exit(0);
