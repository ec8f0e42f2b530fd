/** Another process: adds one job to the database that it is given, and ends. */
import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { createPostgresBroker, Queue } from "../src/index.ts";
import { hintedTask } from "./postgres-broker-task.ts";

const url = process.argv[2] ?? "";
const database = openPostgres({ url, poolSize: 1, logger: silentLogger });
const broker = createPostgresBroker({ database, listenUrl: url, logger: silentLogger });
const queue = new Queue({ database, logger: silentLogger, handlers: [], tasks: [hintedTask], broker });
await broker.start();
await queue.add(hintedTask, { from: "another process" });
await broker.stop();
await database.close();
