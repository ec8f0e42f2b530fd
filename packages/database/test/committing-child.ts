/** Commits numbers one after the other into the folder given as argument, and says which are kept. */
import { sql } from "kysely";
import { openEmbedded } from "../src/index.ts";

const [folder, first] = process.argv.slice(2);
if (folder === undefined || first === undefined)
  throw new Error("usage: committing-child.ts <folder> <first>");
const database = await openEmbedded(folder);
await sql`CREATE TABLE IF NOT EXISTS kept (number integer PRIMARY KEY)`.execute(database.queryable);
for (let number = Number(first); ; number++) {
  await database.transaction((transaction) => sql`INSERT INTO kept VALUES (${number})`.execute(transaction));
  // Written by the system call itself, so that a kill can't lose the line.
  process.stdout.write(`${number}\n`);
}
