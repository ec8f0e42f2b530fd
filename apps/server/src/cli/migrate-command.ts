import { assertSchemaMatches, migrate, migrateProgram, openPostgres } from "@millrace/database";
import { createLogger, MillraceError } from "@millrace/kernel";
import { loadProgram } from "../config/load-program.ts";
import type { Settings } from "../settings.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";

/** `millrace migrate`: applies what is missing; safe to run from several machines at once. */
export async function migrateCommand(settings: Settings): Promise<ExitCode> {
  const url = settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
  if (url === undefined) {
    throw new MillraceError({
      code: "database_url_missing",
      kind: "invalid",
      message:
        "Set DATABASE_URL. The embedded database needs no migrate: it is brought up to date at every start.",
    });
  }
  const { migrations } = await loadProgram(process.cwd());
  const logger = createLogger({ level: settings.LOG_LEVEL, name: "millrace" });
  const database = openPostgres({ url, poolSize: 2, logger });
  try {
    const applied = await migrate(database);
    await assertSchemaMatches(database);
    const own = migrations === undefined ? [] : await migrateProgram(database, migrations);
    const names = [...applied, ...own];
    process.stdout.write(
      names.length === 0 ? "The database is up to date\n" : `Applied migrations ${names.join(", ")}\n`,
    );
    return exitCodes.ok;
  } finally {
    await database.close();
  }
}
