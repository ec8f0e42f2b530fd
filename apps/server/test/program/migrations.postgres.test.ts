import { startMillrace, testDatabases } from "@millrace/testing";
import { expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { programFolder, taskFile } from "./program-folder.ts";

const files = {
  "millrace.config.ts": `export default { migrations: "sql" };`,
  "sql/0001_note.sql": "CREATE TABLE note (text text PRIMARY KEY);",
  "tasks/add.ts": taskFile("add"),
};

it("a server on PostgreSQL starts once the migrations of its program are applied, and not before", async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  const database = await kind.open();
  await using folder = await programFolder(files);
  const environment = { DATABASE_URL: database.url ?? "", PORT: "0" };

  const tooEarly = await runCommand(["start"], { folder: folder.path, environment });
  const migrated = await runCommand(["migrate"], { folder: folder.path, environment });
  const again = await runCommand(["migrate"], { folder: folder.path, environment });
  const server = await startMillrace({ dataDirectory: folder.path, environment });
  await server.stop();
  await database.close();

  expect(tooEarly.code).toBe(1);
  expect(tooEarly.stderr).toContain("millrace migrate");
  expect(migrated.stdout).toContain("0001_note.sql");
  expect(again.stdout).toContain("up to date");
}, 120_000);
