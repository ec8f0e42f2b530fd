import { assertSchemaMatches } from "@millrace/database";
import type { RedisConnection } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import { queuesWithoutWorker, unservedTasks } from "@millrace/queue";
import type { Broker, EventExchange, QueueWorker } from "@millrace/queue";
import { sql } from "kysely";
import type { Readiness } from "../http/index.ts";

/** A worker that was not heard of for this long does not count as one. */
const workerSilenceMs = 60_000;
/** A schema changes when somebody migrates: this late is early enough, and the look costs reading. */
const schemaCheckMs = 30_000;
/**
 * A disk without room is known only by what it refuses, and whoever gets no requests learns nothing new: after
 * this time a process is tried again.
 */
const noRoomMs = 10_000;

type Check = Readiness["checks"][string];

/**
 * What `/readyz` says: the database answers and can be written, its schema fits this program, the worker turns if
 * there is one, and the process does not stop. Hints, news between processes and Redis are shown and do not count:
 * without them things only take longer.
 */
export function createReadiness({
  database,
  worker,
  broker,
  exchange,
  redis = [],
  models,
  isDraining = () => false,
}: {
  readonly database: Database;
  /** Undefined in a process that runs no jobs. */
  readonly worker?: WorkerHealth | undefined;
  readonly broker: Pick<Broker, "status">;
  /** Undefined where there is only this process. */
  readonly exchange?: Pick<EventExchange, "status"> | undefined;
  /** Default none: then nothing is said of it. */
  readonly redis?: readonly Pick<RedisConnection, "attempt" | "status">[];
  /** Default: nothing is said of them. */
  readonly models?: Pick<Models, "endpoints"> | undefined;
  /** It stops: those who choose among several processes are to turn to others. Default never. */
  readonly isDraining?: () => boolean;
}): () => Promise<Readiness> {
  const checkSchema = createSchemaCheck(database);
  return async () => {
    if (isDraining()) return draining;
    const writing = await databaseCheck(database);
    const schema = await checkSchema();
    const unserved = await queuesWithoutWorker(database, workerSilenceMs);
    const unknown = await unservedTasks(database, workerSilenceMs);
    const consuming = worker && workerCheck(worker);
    const hints = hintCheck(broker);
    const live = exchange && liveCheck(exchange);
    const cache = await redisCheck(redis);
    const called = models && modelCheck(models);
    return {
      ready: writing.ok && schema.ok && consuming?.ok !== false,
      checks: {
        database: writing,
        schema,
        ...(consuming === undefined ? {} : { worker: consuming }),
        ...(hints === undefined ? {} : { hints }),
        ...(live === undefined ? {} : { live }),
        ...(cache === undefined ? {} : { redis: cache }),
        ...(called === undefined ? {} : { models: called }),
      },
      warnings: [
        ...(hints?.ok === false ? [hints.detail] : []),
        ...(live?.ok === false ? [live.detail] : []),
        ...(cache?.ok === false ? [cache.detail] : []),
        ...(called === undefined ? [] : [called.detail]),
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

/** Throws when it does not answer. */
async function databaseCheck(database: Database): Promise<Check> {
  const asked = await sql<{ mode: string }>`SELECT current_setting('transaction_read_only') AS mode`.execute(
    database.queryable,
  );
  if (asked.rows[0]?.mode === "on") return notWritable(database, "it is read-only");
  if (database.hadNoRoom(noRoomMs)) return notWritable(database, "there is no room left on its disk");
  return { ok: true, detail: `${database.description} answers` };
}

function notWritable({ description }: Database, because: string): Check {
  return { ok: false, detail: `${description} answers and can't be written: ${because}.` };
}

type WorkerHealth = Pick<QueueWorker, "isProgressing" | "doesBeat" | "busySlots">;

function workerCheck(worker: WorkerHealth): Check {
  if (!worker.doesBeat)
    return {
      ok: false,
      detail:
        "Heartbeats do not reach the database: this process takes no jobs until they do. The log says why; look at DATABASE_DIRECT_URL.",
    };
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
async function redisCheck(
  connections: readonly Pick<RedisConnection, "attempt" | "status">[],
): Promise<Check | undefined> {
  if (connections.length === 0) return undefined;
  const ping = (redis: Pick<RedisConnection, "attempt">) =>
    redis.attempt(async (client) => (await client.ping()) === "PONG", false);
  const answers = await Promise.all(connections.map(ping));
  const silent = connections[answers.indexOf(false)];
  if (silent === undefined) return { ok: true, detail: "Redis answers" };
  const { trouble = "Redis did not answer in time" } = silent.status;
  return { ok: false, detail: `${trouble}. The cache is empty, and jobs are read from the database.` };
}

/** Without it those who watch see what other processes do with the next look at the database. */
function liveCheck(exchange: Pick<EventExchange, "status">): Check {
  const { kind, trouble } = exchange.status();
  return trouble === undefined
    ? { ok: true, detail: `What processes do is told between them by ${kind}` }
    : { ok: false, detail: trouble };
}

/** Only what fails is worth a line: jobs that need it wait, and no other process would do better. */
function modelCheck(models: Pick<Models, "endpoints">): Check | undefined {
  const failing = models.endpoints().filter(({ breaker }) => breaker !== "closed");
  if (failing.length === 0) return undefined;
  const said = failing.map(({ name, breaker, openForSeconds }) =>
    breaker === "recovering"
      ? `${name} comes back`
      : `${name} failed and is left alone for ${openForSeconds} s`,
  );
  return { ok: false, detail: `Models: ${said.join("; ")}` };
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
