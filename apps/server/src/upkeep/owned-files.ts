import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { readInstallationId } from "@millrace/database";
import type { Database } from "@millrace/database";
import type { Logger } from "@millrace/kernel";

/** Says at the start that files of this folder will be kept for ever, because another database knows them. */
export async function warnOfForeignFiles(parts: {
  readonly database: Database;
  readonly folder: string;
  readonly logger: Logger;
}): Promise<void> {
  const { database, folder, logger } = parts;
  if (await ownsFiles(database, folder)) return;
  logger.warn(
    { folder },
    "this folder holds files of another database; files that no document knows are kept. Use a DATA_DIR of its own for each database",
  );
}

/** Whether the folder's files belong to this database. The first database to ask gets them. */
export async function ownsFiles(database: Pick<Database, "queryable">, folder: string): Promise<boolean> {
  const own = await readInstallationId(database);
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
