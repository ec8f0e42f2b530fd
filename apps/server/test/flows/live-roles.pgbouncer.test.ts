import { waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { readEvents } from "../../src/cli/server/event-stream.ts";
import { addJob, Fleet } from "./fleet.ts";
import { expectAllSteps, patient, steppingProgram, stepThroughSocket, stepsWithinMs } from "./live-steps.ts";

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
  warnings: z.array(z.string()),
});

let fleet: Fleet;
let pooled: Record<string, string>;
let direct: Record<string, string>;

vi.setConfig({ testTimeout: stepsWithinMs });
beforeAll(async () => {
  fleet = await Fleet.open(steppingProgram);
  pooled = { DATABASE_URL: fleet.pooledUrl };
  direct = { ...pooled, DATABASE_DIRECT_URL: fleet.environment["DATABASE_URL"] ?? "" };
  await fleet.start(["worker"], { ...direct, ...patient });
});
afterAll(() => fleet.close());

const readyz = async (api: RunningMillrace) =>
  readiness.parse(await (await fetch(`${api.url}/readyz`)).json());

it("shows each step as it is made where it may listen without the pooler", async () => {
  const api = await fleet.start(["api"], direct);

  expectAllSteps(await stepThroughSocket(fleet, api));
  expect((await readyz(api)).checks["live"]).toMatchObject({ ok: true });
});

it("warns where it can't listen, and shows what happens with its next look", async () => {
  const api = await fleet.start(["api"], pooled);
  const state = await waitFor(
    async () => {
      const { ready, checks, warnings } = await readyz(api);
      return checks["live"]?.ok === false ? { ready, warnings } : undefined;
    },
    { describe: "the warning" },
  );
  const id = await addJob(api, "roles.step");
  const response = await fetch(`${api.url}/api/jobs/${id}/events`);
  for await (const { text } of readEvents(response.body ?? new ReadableStream())) {
    if (text.includes("step 1")) break;
  }

  expect(state.ready).toBe(true);
  expect(state.warnings).toContainEqual(expect.stringMatching(/^What other processes do is not heard/));
});
