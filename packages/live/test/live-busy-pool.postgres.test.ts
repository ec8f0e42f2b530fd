import { openPostgres } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { LiveServer } from "./live-server.ts";

const topic = "document:1";

it("lets a subscription wait for a connection that others hold, and take place when it is free", async () => {
  const url = process.env.MILLRACE_TEST_DATABASE_URL ?? "";
  const database = openPostgres({ url, poolSize: 1, logger: silentLogger });
  const snapshot = async () => {
    const { rows } = await sql<{ seq: number }>`SELECT 3 AS seq`.execute(database.queryable);
    return { seq: rows[0]!.seq, data: {} };
  };
  const server = await LiveServer.start({ socket: { snapshot } });
  const client = await server.connect();
  const { promise: held, resolve: hold } = Promise.withResolvers<void>();
  const { promise: end, resolve: letGo } = Promise.withResolvers<void>();
  const holding = database.transaction(async (transaction) => {
    await sql`SELECT 1`.execute(transaction);
    hold();
    await end;
  });
  try {
    await held;

    client.send({ op: "sub", topic });
    expect(await client.next(30_000)).toMatchObject({
      t: "err",
      topic,
      code: "database_unavailable",
      retry_after_seconds: 5,
    });
    letGo();

    expect(await client.subscribe({ topic }, 30_000)).toMatchObject({ t: "snap", seq: 3 });
  } finally {
    letGo();
    await holding;
    await server.stop();
    await database.close();
  }
});
