import { expect, it } from "vitest";
import { processMs } from "./heartbeat-messages.ts";
import type { ToBeater } from "./heartbeat-messages.ts";
import { HeldJobs } from "./held-jobs.ts";

it("tells a new thread how long ago a beat landed, not how long ago a job was claimed", async () => {
  const told: ToBeater[] = [];
  const held = new HeldJobs((message) => void told.push(message));
  held.hold([{ id: "a", fence: 1 }]);
  const claimedMs = processMs();
  await expect.poll(() => processMs() - claimedMs).toBeGreaterThan(50);
  held.landed(processMs());
  held.hold([{ id: "b", fence: 2 }]);

  held.tellAll();

  const message = told.at(-1);
  expect(message).toMatchObject({ kind: "hold", ids: ["a", "b"], fences: [1, 2] });
  expect(message?.kind === "hold" && Math.max(...message.agesMs)).toBeLessThan(50);
});
