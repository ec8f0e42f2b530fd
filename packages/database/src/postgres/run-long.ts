import type { CompiledQuery } from "kysely";
import type { Pool, QueryConfig } from "pg";

/** The longest that a timer can be set to: the driver has no other word for never. */
const neverMs = 2 ** 31 - 1;

/**
 * Runs a statement on a connection of the pool and waits for its answer. A server that watches for clients that are
 * gone ends the statement of one that went after a minute; others find nobody to tell what they did.
 */
export async function runLong(
  pool: Pool,
  { sql, parameters }: CompiledQuery,
  signal: AbortSignal,
): Promise<void> {
  const patient: QueryConfig & { query_timeout: number } = {
    text: sql,
    values: [...parameters],
    query_timeout: neverMs,
  };
  const client = await pool.connect();
  const leave = (): void => void client.connection.stream.destroy();
  signal.addEventListener("abort", leave, { once: true });
  let isUsable = false;
  try {
    signal.throwIfAborted();
    await client.query(patient);
    isUsable = !signal.aborted;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", leave);
    client.release(!isUsable);
  }
}
