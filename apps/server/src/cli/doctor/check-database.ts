import { existsSync } from "node:fs";
import path from "node:path";
import { assertSchemaMatches, lockFolder, openEmbedded, openPostgres, readHolder } from "@millrace/database";
import type { Database } from "@millrace/database";
import { errorCode, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import type { Settings } from "../../settings.ts";
import { fine, warning } from "./check.ts";
import type { Check } from "./check.ts";

/** Who has the data folder, if it is there. */
export async function checkFolder(folder: string, isHeld: boolean): Promise<Omit<Check, "name">> {
  if (!existsSync(folder)) return fine(`${folder} will be made at the first start`);
  if (!isHeld) return fine(`${folder}, in use by nobody`);
  const holder = readHolder(folder);
  const who = holder === undefined ? "another process" : `process ${holder.pid}`;
  return fine(`${folder}, in use by ${who}${holder?.url === undefined ? "" : ` at ${holder.url}`}`);
}

/** Opens the database that the settings name, as a start would, but changes nothing in it. */
export async function checkDatabase(settings: Settings, folder: string): Promise<Omit<Check, "name">> {
  const { DATABASE_URL: url } = settings;
  if (url !== undefined) {
    const database = openPostgres({ url, poolSize: 2, logger: silentLogger });
    try {
      await assertSchemaMatches(database);
      return fine(await describe(database));
    } finally {
      await database.close();
    }
  }
  if (!existsSync(path.join(folder, "database"))) {
    return fine("embedded PostgreSQL, will be made at the first start");
  }
  return await checkEmbedded(folder);
}

async function checkEmbedded(folder: string): Promise<Omit<Check, "name">> {
  const lock = lockFolder(folder);
  try {
    const database = await openEmbedded(folder);
    try {
      await assertSchemaMatches(database);
      return fine(await describe(database));
    } catch (error) {
      // Embedded, the next start applies what is missing.
      if (errorCode(error) !== "schema_mismatch" || !(error instanceof Error)) throw error;
      return warning(error.message);
    } finally {
      await database.close();
    }
  } finally {
    lock.release();
  }
}

async function describe(database: Database): Promise<string> {
  const { rows } = await sql<{ version: number; server: string }>`
    SELECT max(version) AS version, current_setting('server_version') AS server FROM schema_migration`.execute(
    database.queryable,
  );
  const { version = 0, server = "?" } = rows[0] ?? {};
  return `${database.description} (server ${server}) answers, schema version ${version}`;
}
