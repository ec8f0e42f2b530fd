import { sql } from "kysely";
import type { QueryAccess } from "./database.ts";

/**
 * Which installation this is: the id that its database was given when it was made, and that copies of the database
 * bear too. Whatever several installations may share (a folder, a Redis) keeps them apart by it.
 */
export async function readInstallationId({ queryable }: Pick<QueryAccess, "queryable">): Promise<string> {
  const found = await sql<{ id: string }>`SELECT id FROM installation`.execute(queryable);
  const id = found.rows[0]?.id;
  if (id === undefined) throw new Error("the table installation has lost its one row");
  return id;
}
