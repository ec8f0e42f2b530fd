import type { TestDatabase, TestDatabaseKind } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRelayed, serveRelay } from "../src/index.ts";
import type { Database } from "../src/index.ts";
import { openKind } from "./open-kind.ts";
import { portPair } from "./port-pair.ts";
import { migrationSuite } from "./suites/migration-suite.ts";
import { programMigrationSuite } from "./suites/program-migration-suite.ts";
import { relayEndSuite } from "./suites/relay-suite.ts";
import { transactionSuite } from "./suites/transaction-suite.ts";
import { valueSuite } from "./suites/value-suite.ts";

/** Everything that both kinds of database do alike, directly and through a relay. */
export function databaseSuite(kind: TestDatabaseKind["name"]): void {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await openKind(kind, { isMigrated: false });
  });
  afterAll(async () => await opened.close());

  migrationSuite(() => opened.database);
  programMigrationSuite(() => opened.database);

  describe("directly", () => {
    transactionSuite(() => opened.database);
    valueSuite(() => opened.database);
  });

  describe("through a relay", () => {
    let relayed: Database;
    let endRelay: () => Promise<void>;
    beforeAll(async () => {
      await sql`DROP TABLE account`.execute(opened.database.queryable);
      const { parent, child } = portPair();
      endRelay = serveRelay(opened.database, parent);
      relayed = openRelayed(child, opened.database.kind);
    });
    afterAll(async () => {
      await relayed.close();
      await endRelay();
    });

    transactionSuite(() => relayed);
    valueSuite(() => relayed);
  });

  relayEndSuite(() => opened.database);

  it("refuses statements after it was closed, also when it is closed twice", async () => {
    const other = await openKind(kind, { isMigrated: false });
    await sql`SELECT 1`.execute(other.database.queryable);

    await Promise.all([other.database.close(), other.database.close()]);
    await other.close();

    const late = sql`SELECT 1`.execute(other.database.queryable);
    await expect(late).rejects.toMatchObject({ code: "database_closed" });
    const lateTransaction = other.database.transaction(async () => undefined);
    await expect(lateTransaction).rejects.toMatchObject({ code: "database_closed" });
  });
}
