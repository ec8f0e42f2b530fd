import { open, rm } from "node:fs/promises";
import path from "node:path";
import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";

const pageBytes = 8192;
/** As long as a segment of PostgreSQL's log, so that no write makes the file longer. */
const fileBytes = 16 * 1024 * 1024;

/** The times in milliseconds of writing a page and waiting until it is on the disk, as a commit does. */
export async function measureFsync(folder: string, count: number): Promise<number[]> {
  const name = path.join(folder, `millrace-fsync-${process.pid}`);
  const file = await open(name, "w");
  try {
    await file.write(Buffer.alloc(fileBytes));
    await file.sync();
    const page = Buffer.alloc(pageBytes, 1);
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const beganMs = performance.now();
      await file.write(page, 0, pageBytes, (index * pageBytes) % fileBytes);
      await file.datasync();
      times.push(performance.now() - beganMs);
    }
    return times;
  } finally {
    await file.close();
    await rm(name, { force: true });
  }
}

/** The times in milliseconds of inserting one row and committing it, as this program sees them. */
export async function measureCommits(url: string, count: number): Promise<number[]> {
  const database = openPostgres({ url, poolSize: 1, logger: silentLogger });
  try {
    await sql`CREATE TABLE bench_commit (id bigint PRIMARY KEY)`.execute(database.queryable);
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const beganMs = performance.now();
      await sql`INSERT INTO bench_commit (id) VALUES (${index})`.execute(database.queryable);
      times.push(performance.now() - beganMs);
    }
    await sql`DROP TABLE bench_commit`.execute(database.queryable);
    return times;
  } finally {
    await database.close();
  }
}
