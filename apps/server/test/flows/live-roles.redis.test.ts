import { startRedisServer } from "@millrace/testing";
import type { RedisServer, RunningMillrace } from "@millrace/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { Fleet } from "./fleet.ts";
import { expectAllSteps, patient, steppingProgram, stepThroughSocket, stepsWithinMs } from "./live-steps.ts";

let fleet: Fleet;
let redis: RedisServer;
let api: RunningMillrace;

vi.setConfig({ testTimeout: stepsWithinMs });
beforeAll(async () => {
  fleet = await Fleet.open(steppingProgram);
  redis = await startRedisServer();
  const environment = { REDIS_URL: redis.url };
  await fleet.start(["worker"], { ...environment, ...patient });
  api = await fleet.start(["api"], environment);
});
afterAll(async () => {
  await fleet.close();
  await redis.kill();
});

it("shows at an API process each step of a worker process as it is made", async () => {
  expectAllSteps(await stepThroughSocket(fleet, api));
});

it("misses no step when Redis is emptied and started again meanwhile", async () => {
  const stepping = stepThroughSocket(fleet, api);
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  await redis.kill();
  await redis.restart();

  expectAllSteps(await stepping);
  expect(api.process.exitCode).toBeNull();
});
