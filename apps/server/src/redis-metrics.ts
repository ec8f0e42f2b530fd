import type { RedisConnection, StoredCache } from "@millrace/cache";
import type { JobMirror } from "@millrace/queue";
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";

/** Up to the time that a command gets, and a little beyond. */
const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

/** Counts from now on what the cache and the copies of jobs answer, and what became of commands to Redis. */
export function addRedisMetrics(
  registry: Registry,
  {
    cache,
    mirror,
    redis,
  }: {
    readonly cache: Pick<StoredCache, "onLookup">;
    /** Undefined where no copies are made. */
    readonly mirror: Pick<JobMirror, "onLook" | "waiting"> | undefined;
    readonly redis: readonly Pick<RedisConnection, "purpose" | "status" | "onAttempt">[];
  },
): void {
  addCache(registry, cache);
  if (mirror !== undefined) addCopies(registry, mirror);
  if (redis.length > 0) addCommands(registry, redis);
}

function addCache(registry: Registry, cache: Pick<StoredCache, "onLookup">): void {
  const lookups = new Counter({
    name: "millrace_cache_lookups_total",
    help: "Looks into the cache of this process, by what was found",
    labelNames: ["result"],
    registers: [registry],
  });
  for (const result of ["hit", "miss"]) lookups.inc({ result }, 0);
  cache.onLookup((result) => lookups.inc({ result }));
}

function addCopies(registry: Registry, mirror: Pick<JobMirror, "onLook" | "waiting">): void {
  const looks = new Counter({
    name: "millrace_job_copy_lookups_total",
    help: "Jobs that were asked for, by whether their copy was shown",
    labelNames: ["result"],
    registers: [registry],
  });
  for (const result of ["hit", "stale", "miss", "away"]) looks.inc({ result }, 0);
  mirror.onLook((result) => looks.inc({ result }));
  const waiting = new Gauge({
    name: "millrace_job_copies_waiting",
    help: "Jobs of which this process is still to make copies",
    registers: [],
    collect() {
      this.set(mirror.waiting);
    },
  });
  registry.registerMetric(waiting);
}

function addCommands(
  registry: Registry,
  connections: readonly Pick<RedisConnection, "purpose" | "status" | "onAttempt">[],
): void {
  const commands = new Counter({
    name: "millrace_redis_commands_total",
    help: "Commands to Redis, by what became of them",
    labelNames: ["purpose", "result"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "millrace_redis_command_seconds",
    help: "How long Redis took for those that it answered",
    labelNames: ["purpose"],
    buckets: secondsBuckets,
    registers: [registry],
  });
  for (const connection of connections) {
    const { purpose } = connection;
    for (const result of ["answered", "refused", "failed", "skipped"]) commands.inc({ purpose, result }, 0);
    connection.onAttempt(({ result, ms }) => {
      commands.inc({ purpose, result });
      if (result === "answered") seconds.observe({ purpose }, ms / 1000);
    });
  }
  const answering = new Gauge({
    name: "millrace_redis_answering",
    help: "1 while Redis answers this process",
    labelNames: ["purpose"],
    registers: [],
    collect() {
      for (const { purpose, status } of connections) this.set({ purpose }, status.isAnswering ? 1 : 0);
    },
  });
  registry.registerMetric(answering);
}
