import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Of the text, whatever its line ends. */
  readonly checksum: string;
  /** Servers that don't know this version must not run against it. */
  readonly isBreaking: boolean;
};

const folder = fileURLToPath(new URL("../../migrations/", import.meta.url));

let reading: Promise<readonly Migration[]> | undefined;

/**
 * All migrations in order, as they were when this process first asked: what an upgrade puts there later is not of
 * the program that runs. Throws when a number is missing or doubled.
 */
export async function readMigrations(): Promise<readonly Migration[]> {
  reading ??= readAll().catch((error: unknown) => {
    reading = undefined;
    throw error;
  });
  return await reading;
}

async function readAll(): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).toSorted();
  return await Promise.all(
    names.map(async (name, index) => {
      const version = Number(name.slice(0, 4));
      if (version !== index + 1) throw new Error(`Migration ${name} should have number ${index + 1}`);
      const sql = await readFile(`${folder}${name}`, "utf8");
      return {
        version,
        name: name.slice(5, -4),
        sql,
        checksum: createHash("sha256").update(sql.replaceAll("\r\n", "\n")).digest("hex"),
        isBreaking: sql.startsWith("-- breaking"),
      };
    }),
  );
}
