/** Many workers of one queue with nothing to do, each with a queue and a broker of its own as in a process. */
import { parseArgs } from "node:util";
import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { defineTask, handleTask, openBroker, Queue } from "@millrace/queue";
import { z } from "zod";

const { values } = parseArgs({
  options: {
    connection: { type: "string", default: "" },
    broker: { type: "string" },
    workers: { type: "string", default: "1" },
    poll: { type: "string", default: "2000" },
  },
});
const task = defineTask({ name: "bench.idle", queue: "bench", input: z.object({}), output: z.object({}) });
// One pool for all, or the connections of so many workers would be more than the server has.
const database = openPostgres({ url: values.connection, poolSize: 20, logger: silentLogger });

const started = await Promise.all(
  Array.from({ length: Number(values.workers) }, async (_, index) => {
    const broker =
      values.broker === undefined
        ? undefined
        : await openBroker({
            url: values.broker,
            directUrl: values.connection,
            database,
            logger: silentLogger,
          });
    await broker?.start();
    const queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [handleTask({ task, run: async () => ({}) })],
      ...(broker === undefined ? {} : { broker }),
    });
    const worker = queue.createWorker({
      name: `idle-${index}`,
      concurrency: 10,
      pollMs: Number(values.poll),
    });
    await worker.start();
    return { worker, broker };
  }),
);

process.once("SIGTERM", () => {
  void Promise.all(started.map(({ worker }) => worker.stop()))
    .then(() => Promise.all(started.map(async ({ broker }) => await broker?.stop())))
    .then(() => database.close())
    .then(() => process.exit(0));
});
process.stdout.write(`A pool of idle workers is ready at ${values.connection}\n`);
