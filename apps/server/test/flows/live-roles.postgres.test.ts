import { afterAll, beforeAll, it, vi } from "vitest";
import { Fleet } from "./fleet.ts";
import {
  expectAllSteps,
  patient,
  steppingProgram,
  stepThroughEventStream,
  stepThroughSocket,
  stepsWithinMs,
} from "./live-steps.ts";

let fleet: Fleet;

vi.setConfig({ testTimeout: stepsWithinMs });
beforeAll(async () => {
  fleet = await Fleet.open(steppingProgram);
  await fleet.start(["worker"], patient);
});
afterAll(() => fleet.close());

it("shows over a socket of an API process each step of a worker process as it is made", async () => {
  const api = await fleet.start(["api"]);

  expectAllSteps(await stepThroughSocket(fleet, api));
});

it("shows the same over server-sent events", async () => {
  const api = await fleet.start(["api"]);

  expectAllSteps(await stepThroughEventStream(fleet, api));
});

it("shows the steps of a job that runs in a process of its own under the worker's", async () => {
  const api = await fleet.start(["api"]);

  expectAllSteps(await stepThroughSocket(fleet, api, "roles.step_apart"));
});
