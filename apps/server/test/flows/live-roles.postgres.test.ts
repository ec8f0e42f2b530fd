import { afterAll, beforeAll, it } from "vitest";
import { Fleet } from "./fleet.ts";
import { expectAllSteps, steppingProgram, stepThroughEventStream, stepThroughSocket } from "./live-steps.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.open(steppingProgram);
  await fleet.start(["worker"]);
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
