/**
 * A process that deals with schedules on the database that it is given, until nothing is due or it is killed
 * (MILLRACE_CRASH_AT).
 */
import { setTimeout as wait } from "node:timers/promises";
import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { Queue } from "../../src/index.ts";
import { report } from "./schedule-scene.ts";

const database = openPostgres({ url: process.argv[2] ?? "", poolSize: 4, logger: silentLogger });
const queue = new Queue({ database, logger: silentLogger, handlers: [], tasks: [report] });
// Two in this process, beside those in others.
const schedulers = [1, 2].map(() => queue.schedules.createScheduler({ pollMs: 20 }));
for (const scheduler of schedulers) await scheduler.start();
for (let isDue = true; isDue; await wait(20)) {
  const due = await sql`SELECT FROM schedule WHERE due_at <= now() LIMIT 1`.execute(database.queryable);
  isDue = due.rows.length > 0;
}
for (const scheduler of schedulers) await scheduler.stop();
await database.close();
