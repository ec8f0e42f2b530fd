/** Makes an answer for ever, and says when it has begun. */
import { PostgresStore, StoredCache } from "@millrace/cache";
import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { createAnswerStore } from "../src/answers/cached-answers.ts";

const [url = "", key = "", lockMs = "1000"] = process.argv.slice(2);
const database = openPostgres({ url, poolSize: 2, logger: silentLogger });
const cache = new StoredCache({
  store: new PostgresStore({ database, logger: silentLogger }),
  logger: silentLogger,
});
const answers = createAnswerStore({ cache, ttlSeconds: 60, isShared: false, lockMs: Number(lockMs) });
// Something to do keeps the process alive while nothing happens.
setInterval(() => undefined, 60_000);
await answers.once({ key, owner: "o", signal: undefined }, () => {
  process.stdout.write("making\n");
  return new Promise(() => undefined);
});
