import { assertSchemaMatches } from "@millrace/database";
import type { Database } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import { queuesWithoutWorker, unservedTasks } from "@millrace/queue";
import { sql } from "kysely";
import type { Readiness } from "../http/index.ts";
import type { Installation } from "./open-installation.ts";

/** A worker that was not heard of for this long does not count as one. */
const workerSilenceMs = 60_000;
/** A schema changes when somebody migrates: this late is early enough, and the look costs reading. */
const schemaCheckMs = 30_000;

type Check = Readiness["checks"][string];

const deaf =
  "Hints of other processes are not heard now: their jobs start here with the next poll. The log says why.";

/**
 * What `/readyz` says: the database answers, its schema fits this program, and the worker turns. Hints are
 * shown and do not count: without them work only starts later.
 */
export function createReadiness({
  database,
  worker,
  broker,
}: Pick<Installation, "database" | "worker" | "broker">): () => Promise<Readiness> {
  const checkSchema = createSchemaCheck(database);
  return async () => {
    await sql`SELECT 1`.execute(database.queryable);
    const schema = await checkSchema();
    const unserved = await queuesWithoutWorker(database, workerSilenceMs);
    const unknown = await unservedTasks(database, workerSilenceMs);
    const isConsuming = worker.isProgressing();
    const hints = broker && hintCheck(broker.isHearing());
    return {
      ready: isConsuming && schema.ok,
      checks: {
        database: { ok: true, detail: `${database.description} answers` },
        schema,
        worker: {
          ok: isConsuming,
          detail: isConsuming
            ? `${worker.busySlots} jobs running`
            : "The loop that takes jobs has stopped. Restart this process.",
        },
        ...(hints === undefined ? {} : { hints }),
      },
      warnings: [
        ...(hints?.ok === false ? [hints.detail] : []),
        ...unserved.map((queue) => `Queue ${queue} has work and no worker`),
        ...unknown.map((task) => `Jobs of ${task} wait for a worker of another version that knows this task`),
      ],
    };
  };
}

function hintCheck(isHearing: boolean): Check {
  return { ok: isHearing, detail: isHearing ? "Hints of other processes are heard" : deaf };
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
