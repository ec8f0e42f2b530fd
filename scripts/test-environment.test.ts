import { expect, it } from "vitest";
import { excludedTestFiles, needsOf } from "./test-environment.ts";

it("reads what a test file needs from its name", () => {
  expect(needsOf("packages/queue/test/claim.test.ts")).toEqual([]);
  expect(needsOf("packages/queue/test/claim.postgres.test.ts")).toEqual(["postgres"]);
  expect(needsOf("packages/queue/test/claim.pgbouncer.test.ts")).toEqual(["postgres", "pgbouncer"]);
  expect(needsOf("packages/queue/test/hints.redis.test.ts")).toEqual(["postgres", "redis"]);
  expect(needsOf("packages/queue/test/hints.rabbitmq.test.ts")).toEqual(["postgres", "rabbitmq"]);
  expect(needsOf("apps/server/test/deploy/compose.services.test.ts")).toEqual([
    "postgres",
    "pgbouncer",
    "redis",
    "rabbitmq",
  ]);
  expect(needsOf("packages/extract/test/scan.clamd.test.ts")).toEqual(["clamd"]);
  expect(needsOf("apps/server/e2e/upload.test.ts")).toEqual(["chromium"]);
  expect(needsOf("apps/server/e2e/workers.postgres.test.ts")).toEqual(["postgres", "chromium"]);
});

const everything = {
  postgres: "postgres://a",
  pgbouncer: "postgres://b",
  redis: "redis://c",
  rabbitmq: "amqp://d",
  chromium: "/e",
  clamd: "/f",
};

it("leaves out nothing where everything is available", () => {
  expect(excludedTestFiles(everything)).toEqual([]);
});

it("leaves out every file with a database server where PostgreSQL is missing", () => {
  expect(excludedTestFiles({ ...everything, postgres: undefined })).toEqual([
    "**/*.postgres.test.ts",
    "**/*.pgbouncer.test.ts",
    "**/*.redis.test.ts",
    "**/*.rabbitmq.test.ts",
    "**/*.services.test.ts",
  ]);
});

it("leaves out the files of a missing broker, and those that need all servers", () => {
  expect(excludedTestFiles({ ...everything, redis: undefined })).toEqual([
    "**/*.redis.test.ts",
    "**/*.services.test.ts",
  ]);
  expect(excludedTestFiles({ ...everything, rabbitmq: undefined })).toEqual([
    "**/*.rabbitmq.test.ts",
    "**/*.services.test.ts",
  ]);
});

it("leaves out the browser's files where Chromium is missing", () => {
  expect(excludedTestFiles({ ...everything, chromium: undefined })).toEqual(["**/e2e/**/*.test.ts"]);
});
