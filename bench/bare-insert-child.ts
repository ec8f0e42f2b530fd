/** The floor of `post-document`: a Fastify route that does one INSERT, on the same kind of database. */
import { parseArgs } from "node:util";
import { openEmbedded, openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import Fastify from "fastify";
import { sql } from "kysely";

const { values } = parseArgs({ options: { folder: { type: "string" }, "database-url": { type: "string" } } });
const url = values["database-url"];
const database =
  url === undefined
    ? await openEmbedded(values.folder ?? null)
    : openPostgres({ url, poolSize: 10, logger: silentLogger });
await sql`CREATE TABLE bare_item (id uuid PRIMARY KEY, text text NOT NULL)`.execute(database.queryable);

const app = Fastify({ logger: false });
app.post<{ Body: { text: string } }>("/api/documents", async (request, reply) => {
  const id = newId();
  await sql`INSERT INTO bare_item (id, text) VALUES (${id}, ${request.body.text})`.execute(
    database.queryable,
  );
  return await reply.code(202).send({ id });
});

process.once("SIGTERM", () => {
  void app
    .close()
    .then(() => database.close())
    .then(() => process.exit(0));
});
const address = await app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`The bare route is ready at ${address}\n`);
