import type { Cache } from "@millrace/cache";
import type { QueryAccess } from "@millrace/database";
import { BackgroundWork, systemClock } from "@millrace/kernel";
import type { Clock, Logger, Service } from "@millrace/kernel";
import type { CallRecord, ModelPorts } from "@millrace/models";
import { createAnswerStore } from "./answers/cached-answers.ts";
import { KnownBudgets } from "./budgets/known-budgets.ts";
import { Reservations } from "./budgets/reservations.ts";
import { CallList } from "./ledger/call-list.ts";
import { DatabaseCallLimiter } from "./limits/call-limiter.ts";
import { RedisHolds } from "./limits/redis-holds.ts";
import type { SharedRedis } from "./limits/redis-holds.ts";
import type { UsageSettings } from "./settings.ts";
import { UsageCounts } from "./usage-counts.ts";

/** What the product gives to model calls. As a service: stop it after those who call, before the database. */
export type Usage = Service & {
  readonly ports: ModelPorts;
  /** Of this process. */
  readonly counts: UsageCounts;
};

/** Makes ledger, limiter and answer store over the database and the cache. Nothing is asked of either before the first call. */
export function createUsage(parts: {
  readonly database: QueryAccess;
  readonly cache: Cache;
  readonly settings: UsageSettings;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Default: none. Nothing of record is kept there. */
  readonly shared?: SharedRedis | undefined;
}): Usage {
  const { database, cache, settings, logger, clock = systemClock } = parts;
  const counts = new UsageCounts();
  const background = new BackgroundWork(logger);
  const list = new CallList({ database, logger, onDropped: (count) => (counts.dropped += count) });
  const budgets = new KnownBudgets({ database, settings, clock });
  const reservations = new Reservations({ database, budgets, background, logger, clock });
  const limiter = new DatabaseCallLimiter({
    database,
    limits: settings.MODEL_LIMITS ?? new Map(),
    background,
    clock,
    shared: parts.shared && new RedisHolds(parts.shared),
    onWait: (model, waitMs) => counts.countWait(model, waitMs),
  });
  const record = (call: CallRecord): void => {
    counts.countCall(call);
    list.add(call);
  };
  const ttlSeconds = settings.MODEL_CACHE_TTL_SECONDS;
  const isShared = settings.MODEL_CACHE_SHARED === "true";
  const answers = ttlSeconds === 0 ? undefined : createAnswerStore({ cache, ttlSeconds, isShared });
  return {
    name: "use of models",
    ports: {
      ledger: { reserve: reservations.reserve, record },
      limiter,
      ...(answers === undefined ? {} : { answers }),
    },
    counts,
    start: () => reservations.start(),
    stop: async () => {
      await reservations.stop();
      await Promise.all([list.stop(), background.settle()]);
    },
  };
}
