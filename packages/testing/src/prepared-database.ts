import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, glob, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { migrate, openEmbedded } from "@millrace/database";

const repository = join(import.meta.dirname, "../../..");
const cacheFolder = join(repository, "node_modules/.cache/millrace-testing");

/**
 * Puts an embedded database, with all migrations of the product unless `isMigrated` is false, into a data
 * folder that has none: a copy of one that is made once for each version of the migrations and of PGlite.
 * Making one takes four seconds of work, copying it a tenth of one, and tests ask for hundreds.
 */
export async function prepareDatabase(
  dataFolder: string,
  { isMigrated = true }: { readonly isMigrated?: boolean } = {},
): Promise<void> {
  const prepared = join(cacheFolder, `${isMigrated ? "migrated" : "empty"}-${await fingerprint()}`);
  if (!existsSync(prepared)) await prepare(prepared, isMigrated);
  await mkdir(dataFolder, { recursive: true });
  await cp(join(prepared, "database"), join(dataFolder, "database"), { recursive: true });
}

/** Complete or not at all, also when several processes do this at once. */
async function prepare(target: string, isMigrated: boolean): Promise<void> {
  const unfinished = join(cacheFolder, `unfinished-${randomUUID()}`);
  const database = await openEmbedded(unfinished);
  if (isMigrated) await migrate(database);
  await database.close();
  try {
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(target)) throw error;
  }
}

let known: Promise<string> | undefined;

/** Of what decides how the database looks: the migrations and the versions of the packages. */
function fingerprint(): Promise<string> {
  return (known ??= readFingerprint());
}

async function readFingerprint(): Promise<string> {
  const migrations = await Array.fromAsync(glob("packages/database/migrations/*.sql", { cwd: repository }));
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", ...migrations.toSorted()]) {
    hash.update(await readFile(join(repository, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
