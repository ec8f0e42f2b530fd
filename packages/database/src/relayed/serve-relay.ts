import { CompiledQuery } from "kysely";
import { isMillraceError, toError } from "@millrace/kernel";
import type { Queryable, QueryAccess } from "../database.ts";
import { sqlFailure } from "../errors.ts";
import type { OwnError, RelayPort, ToChild, ToParent } from "./relay-messages.ts";

type Held = { readonly queryable: Queryable; readonly release: () => void };

/**
 * Lets a child process use this process's database. The returned function ends that: connections
 * that the child still held are rolled back and given back.
 */
export function serveRelay(database: QueryAccess, port: RelayPort<ToChild, ToParent>): () => Promise<void> {
  const held = new Map<number, Held>();
  const holding = new Set<Promise<void>>();
  let isEnded = false;

  const acquire = (id: number): void => {
    const hold = database.queryable.connection().execute(async (connection) => {
      if (isEnded) return;
      const released = Promise.withResolvers<void>();
      held.set(id, { queryable: connection, release: released.resolve });
      port.send({ kind: "acquired", id, connection: id });
      await released.promise;
    });
    const watched = hold.catch((error: unknown) => fail(id, error)).finally(() => holding.delete(watched));
    holding.add(watched);
  };

  const fail = (id: number, error: unknown): void => {
    const failure = sqlFailure(error);
    const code = failure?.sqlState ?? systemCode(error);
    const { message } = toError(error);
    port.send({ kind: "failed", id, message, code, constraint: failure?.constraint, own: ownError(error) });
  };

  const query = async (message: ToParent & { kind: "query" }): Promise<void> => {
    const { id, sql, parameters } = message;
    try {
      const connection = held.get(message.connection);
      if (connection === undefined) throw new Error("this connection was given back");
      const result = await connection.queryable.executeQuery(CompiledQuery.raw(sql, [...parameters]));
      port.send({ kind: "rows", id, rows: result.rows, affectedRows: Number(result.numAffectedRows ?? 0n) });
    } catch (error) {
      fail(id, error);
    }
  };

  port.onMessage((message) => {
    if (isEnded) return;
    if (message.kind === "acquire") acquire(message.id);
    else if (message.kind === "query") void query(message);
    else {
      held.get(message.connection)?.release();
      held.delete(message.connection);
    }
  });

  return async () => {
    isEnded = true;
    for (const { queryable, release } of held.values()) {
      // Outside a transaction this is only a warning of the database.
      await queryable.executeQuery(CompiledQuery.raw("rollback")).catch(() => undefined);
      release();
    }
    held.clear();
    await Promise.all(holding);
  };
}

function ownError(error: unknown): OwnError | undefined {
  if (!isMillraceError(error)) return undefined;
  const { kind, retryable, retryAfterSeconds } = error;
  return { kind, retryable, retryAfterSeconds };
}

function systemCode(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
