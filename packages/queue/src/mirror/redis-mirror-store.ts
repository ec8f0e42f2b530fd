import type { RedisConnection } from "@millrace/cache";
import { z } from "zod";
import type { MirrorStore } from "./mirror-store.ts";

// For each key: version, fresh until, expires at, job.
const writeScript = `
for index, key in ipairs(KEYS) do
  local first = index * 4 - 3
  local version = ARGV[first]
  local kind = redis.call('TYPE', key).ok
  local known = kind == 'hash' and redis.call('HGET', key, 'version')
  if not (known and #known == #version and known > version) then
    if kind ~= 'none' then redis.call('DEL', key) end
    redis.call('HSET', key, 'version', version, 'fresh_until', ARGV[first + 1], 'job', ARGV[first + 3])
    redis.call('PEXPIREAT', key, ARGV[first + 2])
  end
end
return #KEYS`;

/** Jobs that one script writes, while everybody else waits: a fraction of a millisecond, mostly. */
const writeBatch = 50;

const readScript = `
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {now_ms, 0} end
local found = redis.call('HMGET', KEYS[1], 'job', 'fresh_until')
local is_fresh = 0
if now_ms <= (tonumber(found[2] or '') or 0) then is_fresh = 1 end
return {now_ms, is_fresh, found[1] or nil}`;

const answerSchema = z.tuple([z.number(), z.number(), z.string().optional()]);

/** Keeps copies of jobs in Redis: hashes `<prefix>job:<id>`. Who has the same prefix must have the same database. */
export function createRedisMirrorStore({
  redis,
  prefix,
}: {
  readonly redis: RedisConnection;
  readonly prefix: string;
}): MirrorStore {
  const keyOf = (id: string) => `${prefix}job:${id}`;
  return {
    readClock: () =>
      redis.attempt<number | undefined>(async (client) => {
        const [seconds, micros] = await client.time();
        return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
      }, undefined),
    read: async (id) => {
      const answer = await redis.attempt<unknown>(
        (client) => client.eval(readScript, 1, keyOf(id)),
        undefined,
      );
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return undefined;
      const [clockMs, fresh, text] = parsed.data;
      return { clockMs, text, isFresh: fresh === 1 };
    },
    write: async (entries) => {
      for (let from = 0; from < entries.length; from += writeBatch) {
        const batch = entries.slice(from, from + writeBatch);
        const keys = batch.map(({ id }) => keyOf(id));
        const values = batch.flatMap((entry) => [
          entry.version,
          entry.freshUntilMs,
          entry.expiresAtMs,
          entry.text,
        ]);
        await redis.attempt<unknown>(
          (client) => client.eval(writeScript, keys.length, ...keys, ...values),
          undefined,
        );
      }
    },
    discard: async (id) => void (await redis.attempt((client) => client.del(keyOf(id)), 0)),
  };
}
