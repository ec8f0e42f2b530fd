import { assertSchemaMatches } from "@millrace/database";
import type { RedisConnection } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import { queuesWithoutWorker, unservedTasks } from "@millrace/queue";
import type { Broker, EventExchange, QueueWorker } from "@millrace/queue";
import { sql } from "kysely";
import type { Readiness } from "../http/index.ts";

/** A worker that was not heard of for this long does not count as one. */
const workerSilenceMs = 60_000;
/** A schema changes when somebody migrates: this late is early enough, and the look costs reading. */
const schemaCheckMs = 30_000;

type Check = Readiness["checks"][string];

/**
 * What `/readyz` says: the database answers, its schema fits this program, the worker turns if there is one, and
 * the process does not stop. Hints, news between processes and Redis are shown and do not count: without them
 * things only take longer.
 */
export function createReadiness({
  database,
  worker,
  broker,
  exchange,
  redis,
  isDraining = () => false,
}: {
  readonly database: Database;
  /** Undefined in a process that runs no jobs. */
  readonly worker?: Pick<QueueWorker, "isProgressing" | "busySlots"> | undefined;
  readonly broker: Pick<Broker, "status">;
  /** Undefined where there is only this process. */
  readonly exchange?: Pick<EventExchange, "status"> | undefined;
  /** Undefined where there is none. */
  readonly redis?: Pick<RedisConnection, "attempt" | "status"> | undefined;
  /** It stops: those who choose among several processes are to turn to others. Default never. */
  readonly isDraining?: () => boolean;
}): () => Promise<Readiness> {
  const checkSchema = createSchemaCheck(database);
  return async () => {
    if (isDraining()) return draining;
    await sql`SELECT 1`.execute(database.queryable);
    const schema = await checkSchema();
    const unserved = await queuesWithoutWorker(database, workerSilenceMs);
    const unknown = await unservedTasks(database, workerSilenceMs);
    const consuming = worker && workerCheck(worker);
    const hints = hintCheck(broker);
    const live = exchange && liveCheck(exchange);
    const cache = redis && (await redisCheck(redis));
    return {
      ready: schema.ok && consuming?.ok !== false,
      checks: {
        database: { ok: true, detail: `${database.description} answers` },
        schema,
        ...(consuming === undefined ? {} : { worker: consuming }),
        ...(hints === undefined ? {} : { hints }),
        ...(live === undefined ? {} : { live }),
        ...(cache === undefined ? {} : { redis: cache }),
      },
      warnings: [
        ...(hints?.ok === false ? [hints.detail] : []),
        ...(live?.ok === false ? [live.detail] : []),
        ...(cache?.ok === false ? [cache.detail] : []),
        ...unserved.map((queue) => `Queue ${queue} has work and no worker`),
        ...unknown.map((task) => `Jobs of ${task} wait for a worker of another version that knows this task`),
      ],
    };
  };
}

const draining: Readiness = {
  ready: false,
  checks: { process: { ok: false, detail: "This process stops. Requests under way are answered." } },
  warnings: [],
};

function workerCheck(worker: Pick<QueueWorker, "isProgressing" | "busySlots">): Check {
  return worker.isProgressing()
    ? { ok: true, detail: `${worker.busySlots} jobs running` }
    : { ok: false, detail: "The loop that takes jobs has stopped. Restart this process." };
}

/** Nothing of a broker within one process. */
function hintCheck(broker: Pick<Broker, "status">): Check | undefined {
  const { kind, isHearing, isTelling, trouble } = broker.status();
  if (kind === "memory") return undefined;
  if (isHearing && isTelling) return { ok: true, detail: `Hints of other processes come and go by ${kind}` };
  return {
    ok: false,
    detail: trouble ?? "Hints of other processes do not come or go now; the log says why.",
  };
}

/** Without it everything goes on, slower. */
async function redisCheck(redis: Pick<RedisConnection, "attempt" | "status">): Promise<Check> {
  const answers = await redis.attempt(async (client) => (await client.ping()) === "PONG", false);
  if (answers) return { ok: true, detail: "Redis answers" };
  const { trouble = "Redis did not answer in time" } = redis.status;
  return { ok: false, detail: `${trouble}. The cache is empty, and jobs are read from the database.` };
}

/** Without it those who watch see what other processes do with the next look at the database. */
function liveCheck(exchange: Pick<EventExchange, "status">): Check {
  const { kind, trouble } = exchange.status();
  return trouble === undefined
    ? { ok: true, detail: `What processes do is told between them by ${kind}` }
    : { ok: false, detail: trouble };
}

function createSchemaCheck(database: Database): () => Promise<Check> {
  let last: { readonly atMs: number; readonly check: Check } | undefined;
  return async () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs - last.atMs >= schemaCheckMs)
      last = { atMs: nowMs, check: await look(database) };
    return last.check;
  };
}

async function look(database: Database): Promise<Check> {
  try {
    await assertSchemaMatches(database);
    return { ok: true, detail: "The schema fits this version" };
  } catch (error) {
    if (!isMillraceError(error) || error.code !== "schema_mismatch") throw error;
    return { ok: false, detail: error.message };
  }
}
