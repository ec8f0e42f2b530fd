/**
 * The thread that owns the embedded PostgreSQL. A heavy query blocks this thread only: on the main
 * thread it would stop heartbeats, sockets and health checks.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { PGlite, types } from "@electric-sql/pglite";
import type { Results } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { z } from "zod";
import type { FromThread, ThreadError, ToThread } from "./messages.ts";

const { folder } = z.object({ folder: z.string().nullable() }).parse(workerData);
const port = parentPort;
if (port === null) throw new Error("pglite-thread must run as a worker thread");

const database = await PGlite.create({
  ...(folder === null ? {} : { dataDir: folder }),
  extensions: { vector },
  parsers: {
    // Counters and sizes stay below 2^53; a bigint would not survive JSON.
    [types.INT8]: Number,
    // A day is no moment: as a Date it becomes another day in another time zone.
    [types.DATE]: String,
  },
});

async function answer(message: ToThread): Promise<FromThread> {
  try {
    if (message.kind === "close") {
      await database.close();
      return { id: message.id, ok: true, rows: [], affectedRows: 0 };
    }
    if (message.parameters.length === 0) {
      // The simple protocol: a migration holds many statements.
      const results = await database.exec(message.sql);
      const last = results.at(-1);
      return { id: message.id, ok: true, rows: rowsOf(last), affectedRows: last?.affectedRows ?? 0 };
    }
    const result = await database.query(message.sql, [...message.parameters]);
    return { id: message.id, ok: true, rows: result.rows, affectedRows: result.affectedRows ?? 0 };
  } catch (error) {
    return { id: message.id, ok: false, error: plainError(error) };
  }
}

/** How a transaction ended comes as a row, as Kysely gives it from PostgreSQL. */
function rowsOf(result: Results | undefined): readonly unknown[] {
  const command = result?.command;
  return command === "COMMIT" || command === "ROLLBACK" ? [{ command }] : (result?.rows ?? []);
}

function plainError(error: unknown): ThreadError {
  const field = (name: string): string | undefined => {
    if (typeof error !== "object" || error === null) return undefined;
    const value = Object.getOwnPropertyDescriptor(error, name)?.value as unknown;
    return typeof value === "string" ? value : undefined;
  };
  return {
    message: error instanceof Error ? error.message : String(error),
    code: field("code"),
    constraint: field("constraint"),
    position: field("position"),
  };
}

function send(to: MessagePort, reply: FromThread): void {
  try {
    to.postMessage(reply);
  } catch {
    // Nested deeper than this thread's stack is high. Without a word the connection would wait for ever.
    to.postMessage({ id: reply.id, ok: false, error: "unsendable" } satisfies FromThread);
  }
}

// One after the other, although the database would see to that: replies go in the order of the questions,
// so that the other side knows whose reply it could not read.
let turn = Promise.resolve();
port.on("message", (message: ToThread) => {
  turn = turn.then(async () => {
    send(port, await answer(message));
    if (message.kind === "close") port.close();
  });
});
// Nobody knows which question it was: better no database than one that does not answer.
port.on("messageerror", (error: Error) => {
  throw error;
});
port.postMessage({ id: 0, ok: true, rows: [], affectedRows: 0 } satisfies FromThread);
