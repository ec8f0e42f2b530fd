import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { endingDocuments } from "./ending-documents.ts";

/** The ends of two jobs of one document, the first stopped before its commit: needs several connections. */
let opened: TestDatabase;
/** Held up until then; at the latest when the test is over. */
let goesOn: PromiseWithResolvers<void>;

beforeEach(async () => {
  goesOn = Promise.withResolvers();
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
});
afterEach(async () => {
  goesOn.resolve();
  await opened.close();
});

const untilWaiting = () =>
  expect
    .poll(async () => {
      const found = await sql`
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(opened.database.queryable);
      return found.rows.length;
    })
    .toBe(1);

const done = ["key_points", "sentiment", "topics"] as const;

it("completes a document that ends while its missing part is just written", async () => {
  const documents = endingDocuments(opened.database);
  const document = await documents.begin(done);
  const isWritten = Promise.withResolvers<void>();

  const remade = documents.queue.transaction(async (scope) => {
    await documents.remake(scope, document);
    isWritten.resolve();
    await goesOn.promise;
  });
  await isWritten.promise;
  const ended = documents.queue.transaction((scope) => documents.end(scope, document, "partial"));
  await untilWaiting();
  goesOn.resolve();
  await Promise.all([remade, ended]);

  expect(await documents.statusOf(document.id)).toBe("completed");
});

it("completes a document whose missing part is written while it ends", async () => {
  const documents = endingDocuments(opened.database);
  const document = await documents.begin(done);
  const isWritten = Promise.withResolvers<void>();

  const ended = documents.queue.transaction(async (scope) => {
    await documents.end(scope, document, "partial");
    isWritten.resolve();
    await goesOn.promise;
  });
  await isWritten.promise;
  const remade = documents.queue.transaction((scope) => documents.remake(scope, document));
  await untilWaiting();
  goesOn.resolve();
  await Promise.all([remade, ended]);

  expect(await documents.statusOf(document.id)).toBe("completed");
});
