import { expect, it } from "vitest";
import { excludedTestFiles, needsOf } from "./test-environment.ts";

it("reads what a test file needs from its name", () => {
  expect(needsOf("packages/queue/test/claim.test.ts")).toEqual([]);
  expect(needsOf("packages/queue/test/claim.postgres.test.ts")).toEqual(["postgres"]);
  expect(needsOf("packages/queue/test/claim.pgbouncer.test.ts")).toEqual(["postgres", "pgbouncer"]);
  expect(needsOf("apps/server/e2e/upload.test.ts")).toEqual(["chromium"]);
  expect(needsOf("apps/server/e2e/workers.postgres.test.ts")).toEqual(["postgres", "chromium"]);
});

it("leaves out nothing where everything is available", () => {
  const environment = { postgres: "postgres://a", pgbouncer: "postgres://b", chromium: "/c" };

  expect(excludedTestFiles(environment)).toEqual([]);
});

it("leaves out the pgBouncer files too where PostgreSQL is missing", () => {
  const environment = { postgres: undefined, pgbouncer: "postgres://b", chromium: "/c" };

  expect(excludedTestFiles(environment)).toEqual(["**/*.postgres.test.ts", "**/*.pgbouncer.test.ts"]);
});
