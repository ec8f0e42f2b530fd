import { MemoryStore, StoredCache } from "@millrace/cache";
import { migrate, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createUsage, usageSettings } from "@millrace/usage";
import { sql } from "kysely";
import { FigureCollector } from "../measure/figure.ts";
import { median } from "../measure/statistics.ts";
import { serverConditions } from "../peers/conditions.ts";
import { emptyRedis, redisDatabases, withPlace, withRedis } from "../peers/place.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const inFlight = 200;
const owners = 5;
const secondsEach = 4;
const poolSize = 8;
const model = "bench:model";
/** So high that nobody waits: what is measured is the asking. */
const [requests, tokens] = [1e9, 1e11];
const wanted = 10;

/** One token bucket, without fairness and without a place on the disk. KEYS bucket; ARGV requests a minute, wanted. */
const bucketScript = `
local now = redis.call('TIME')
local at = now[1] * 1000 + now[2] / 1000
local found = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(ARGV[1] / 10, (tonumber(found[1]) or ARGV[1] / 10) + (at - (tonumber(found[2]) or at)) * ARGV[1] / 60000)
if left < 1 then return math.ceil((1 - left) * 60000 / ARGV[1]) end
redis.call('HSET', KEYS[1], 'left', left - 1, 'at', at)
return 0`;

type Ask = (nth: number) => Promise<unknown>;

/** What the limits of a model over all workers cost a call. */
export const modelsLimits: Benchmark = {
  name: "models-limits",
  description: `Calls of one process for ${owners} owners that take a request and ${wanted} tokens of one model's limits, ${inFlight} of them asking at any time; the limits are so high that none waits. Ours asks PostgreSQL for those together that come meanwhile (a pool of ${poolSize}); beside it the same function by one statement for each call, and a token bucket in Redis by one script for each, which knows neither tokens nor shares of owners.`,
  conditions: serverConditions,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const ms = 1000 * secondsEach * scale;
    for (let run = 1; run <= runs; run += 1) {
      say(`models-limits: run ${run} of ${runs}`);
      const ours = await withDatabase((database) => withLimiter(database, (ask) => measure(ask, ms)));
      const singly = await withDatabase((database) => measure(askSingly(database), ms));
      const redis = await withRedis(await emptyRedis(redisDatabases.hints), (client) =>
        measure(() => client.eval(bucketScript, 1, "bucket", requests), ms),
      );
      for (const [label, taken] of Object.entries({
        Millrace: ours,
        "one statement each": singly,
        Redis: redis,
      })) {
        figures.add(`${label}: taken`, "/s", taken.perSecond);
        figures.add(`${label}: p50`, "ms", taken.p50Ms);
      }
      figures.add("Millrace against one statement each", "×", ours.perSecond / singly.perSecond);
      figures.add("Millrace against Redis", "×", ours.perSecond / redis.perSecond);
    }
    return figures.figures();
  },
};

async function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  return await withPlace("millrace", async (url) => {
    const database = openPostgres({ url, poolSize, logger: silentLogger });
    try {
      await migrate(database);
      return await work(database);
    } finally {
      await database.close();
    }
  });
}

async function withLimiter<Result>(database: Database, work: (ask: Ask) => Promise<Result>): Promise<Result> {
  const cache = new StoredCache({ store: new MemoryStore(), logger: silentLogger });
  const settings = parseSettings(usageSettings.schema, {
    MODEL_LIMITS: `${model}=${requests}rpm,${tokens}tpm`,
  });
  const usage = createUsage({ database, cache, settings, logger: silentLogger });
  const { limiter } = usage.ports;
  if (limiter === undefined) throw new Error("there is no limiter");
  try {
    return await work((nth) => limiter.take({ model, owner: ownerOf(nth), tokens: wanted }));
  } finally {
    await usage.stop();
  }
}

function askSingly(database: Database): Ask {
  return (nth) =>
    sql`SELECT take_model_limit(${model}, ${ownerOf(nth)}, ${wanted}, ${requests}, ${tokens})`.execute(
      database.queryable,
    );
}

const ownerOf = (nth: number): string => `owner-${nth % owners}`;

async function measure(
  ask: Ask,
  forMs: number,
): Promise<{ readonly perSecond: number; readonly p50Ms: number }> {
  const waits: number[] = [];
  const startedMs = performance.now();
  const loop = async (nth: number): Promise<void> => {
    while (performance.now() < startedMs + forMs) {
      const askedMs = performance.now();
      await ask(nth);
      waits.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_none, nth) => loop(nth)));
  return { perSecond: (1000 * waits.length) / (performance.now() - startedMs), p50Ms: median(waits) };
}
