import { CompiledQuery } from "kysely";
import { isMillraceError, MillraceError, toError } from "@millrace/kernel";
import type { QueryAccess } from "../database.ts";
import { sqlFailure } from "../errors.ts";
import { HeldConnection } from "./held-connection.ts";
import type { OwnError, RelayPort, ToChild, ToParent } from "./relay-messages.ts";

/** A child that is alive sends its next statement within a moment: nothing else may wait inside. */
const defaultIdleMs = 10_000;

/**
 * Lets a child process use this process's database. A connection that the child holds and does not
 * use for 10 s (`idleMs`) is rolled back and given back: the child may be in an endless loop, and
 * with the embedded database everybody waits for it. The returned function ends it all:
 * connections that the child still held are rolled back and given back.
 */
export function serveRelay(
  database: QueryAccess,
  port: RelayPort<ToChild, ToParent>,
  { idleMs = defaultIdleMs }: { readonly idleMs?: number } = {},
): () => Promise<void> {
  const held = new Map<number, HeldConnection>();
  const holding = new Set<Promise<void>>();
  let isEnded = false;

  const acquire = (id: number): void => {
    const hold = database.queryable.connection().execute(async (queryable) => {
      if (isEnded) return;
      const connection = new HeldConnection(queryable, idleMs, () => {
        held.delete(id);
        void connection.giveBack("rolled_back");
      });
      held.set(id, connection);
      port.send({ kind: "acquired", id, connection: id });
      await connection.released;
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
      if (connection === undefined) throw connectionGivenBack();
      const result = await connection.query(CompiledQuery.raw(sql, [...parameters]));
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
      void held.get(message.connection)?.giveBack("as_it_is");
      held.delete(message.connection);
    }
  });

  return async () => {
    isEnded = true;
    for (const connection of held.values()) await connection.giveBack("rolled_back");
    held.clear();
    await Promise.all(holding);
  };
}

/** A child process used a connection that its parent has taken back, or never gave. */
function connectionGivenBack(): MillraceError {
  return new MillraceError({
    code: "database_connection_given_back",
    kind: "unavailable",
    message:
      "The job kept a transaction open for too long without using it, so it was undone. Move slow work out of the transaction.",
    retryable: true,
  });
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
