import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Database } from "@millrace/database";
import { knownFileKeys, pruneAnswers } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";

/** A file whose row was never committed is removed after this long; also how often that is done. */
const orphanAgeMs = 3_600_000;

/**
 * Hourly: answers kept for repeated requests and files without a row, past their time. Files are
 * left alone when the folder was first used with another database: to that one they may belong.
 */
export function createTidying(parts: {
  readonly database: Database;
  readonly files: FileStore;
  readonly folder: string;
  readonly logger: Logger;
}): Service {
  const { database, files, folder, logger } = parts;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const tidy = async (): Promise<void> => {
    await pruneAnswers(database.background.queryable);
    if (!(await ownsFiles(database, folder))) return;
    await files.removeOrphans((keys) => knownFileKeys(database.background.queryable, keys), orphanAgeMs);
  };
  return {
    name: "tidying",
    start: async () => {
      if (!(await ownsFiles(database, folder))) {
        logger.warn(
          { folder },
          "this folder holds files of another database; files that no document knows are kept. Use a DATA_DIR of its own for each database",
        );
      }
      timer ??= setInterval(() => {
        running = tidy().catch((error: unknown) => {
          logger.warn({ err: toError(error) }, "tidying failed this time");
        });
      }, orphanAgeMs);
    },
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/** Whether the folder's files belong to this database. The first database to ask gets them. */
export async function ownsFiles(database: Database, folder: string): Promise<boolean> {
  const found = await sql<{ id: string }>`SELECT id FROM installation`.execute(database.queryable);
  const own = found.rows[0]?.id ?? "";
  const marker = path.join(folder, "installation");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await writeFile(marker, own, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    return (await readFile(marker, "utf8")) === own;
  }
}
