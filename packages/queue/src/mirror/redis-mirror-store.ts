import type { RedisConnection } from "@millrace/cache";
import { z } from "zod";
import type { MirrorStore } from "./mirror-store.ts";

// One key each, so that a batch is many small commands and nobody waits behind a long one.
const writeScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then
  local known = redis.call('HGET', KEYS[1], 'version')
  if known and #known == #ARGV[1] and known > ARGV[1] then return 0 end
end
if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'fresh_until', ARGV[2], 'job', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1`;

const readScript = `
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {now_ms, 0} end
local found = redis.call('HMGET', KEYS[1], 'job', 'fresh_until')
local is_fresh = 0
if now_ms <= (tonumber(found[2] or '') or 0) then is_fresh = 1 end
return {now_ms, is_fresh, found[1] or nil}`;

const answerSchema = z.tuple([z.number(), z.number(), z.string().optional()]);

/** Keeps copies of jobs in Redis: hashes `millrace:job:<id>`. */
export function createRedisMirrorStore({
  redis,
  prefix = "millrace:job:",
}: {
  readonly redis: RedisConnection;
  readonly prefix?: string;
}): MirrorStore {
  return {
    readClock: () =>
      redis.attempt<number | undefined>(async (client) => {
        const [seconds, micros] = await client.time();
        return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
      }, undefined),
    read: async (id) => {
      const answer = await redis.attempt<unknown>(
        (client) => client.eval(readScript, 1, prefix + id),
        undefined,
      );
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return undefined;
      const [clockMs, fresh, text] = parsed.data;
      return { clockMs, text, isFresh: fresh === 1 };
    },
    write: (entries) =>
      redis.attempt(async (client) => {
        const batch = client.pipeline();
        for (const { id, version, freshUntilMs, expiresAtMs, text } of entries) {
          batch.eval(writeScript, 1, prefix + id, version, freshUntilMs, expiresAtMs, text);
        }
        const answers = await batch.exec();
        const failed = answers?.find(([error]) => error !== null);
        if (failed?.[0]) throw failed[0];
      }, undefined),
    discard: async (id) => void (await redis.attempt((client) => client.del(prefix + id), 0)),
  };
}
