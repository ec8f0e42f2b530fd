import { silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import type { JobTransition } from "../events/event.ts";
import { EventBus } from "../events/event-bus.ts";
import { Hooks } from "./hooks.ts";

const job = {
  id: "0199f3a0-0000-7000-8000-000000000001",
  task: "examples.add_numbers",
  queue: "examples",
  owner: null,
  state: "succeeded",
  attempt: 1,
} as const;
const succeeded: JobTransition = { type: "succeeded", job, runMs: 12 };
const failed: JobTransition = { type: "failed", job: { ...job, state: "failed" }, runMs: 12 };

function createHooks(): { bus: EventBus; hooks: Hooks; logged: unknown[] } {
  const logged: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (fields: unknown) => void logged.push(fields) };
  const bus = new EventBus(logger);
  return { bus, hooks: new Hooks(bus, logger), logged };
}

describe("hooks", () => {
  it("call back on the transitions of their name, and on no others", () => {
    const { bus, hooks } = createHooks();
    const heard: JobTransition[] = [];
    hooks.on("job.succeeded", (event) => void heard.push(event));

    bus.publishTransition(failed);
    bus.publishTransition(succeeded);

    expect(heard).toEqual([succeeded]);
  });

  it("call back on signals beside the transitions of jobs", () => {
    const { hooks } = createHooks();
    const heard: string[] = [];
    hooks.on("queue.paused", ({ queue, reason }) => void heard.push(`${queue}: ${reason ?? ""}`));

    hooks.emit({ type: "queue.paused", queue: "chat", by: "ann", reason: "provider is down", until: null });

    expect(heard).toEqual(["chat: provider is down"]);
  });

  it("say nothing any more once they are taken back", () => {
    const { bus, hooks } = createHooks();
    const heard: unknown[] = [];
    const stop = hooks.on("job.succeeded", (event) => void heard.push(event));

    stop();
    bus.publishTransition(succeeded);

    expect(heard).toEqual([]);
  });

  it("are taken back one by one when the same function was given twice", () => {
    const { bus, hooks } = createHooks();
    const heard: unknown[] = [];
    const listener = (event: JobTransition): void => void heard.push(event);
    const stop = hooks.on("job.succeeded", listener);
    hooks.on("job.succeeded", listener);

    stop();
    stop();
    bus.publishTransition(succeeded);

    expect(heard).toEqual([succeeded]);
  });

  it("listen to jobs only while somebody wants to hear of them", () => {
    const { bus, hooks } = createHooks();
    hooks.on("worker.started", () => undefined);
    const before = bus.listenerCount;
    const stops = [hooks.on("job.succeeded", () => undefined), hooks.on("job.failed", () => undefined)];
    const during = bus.listenerCount;

    for (const stop of stops) stop();

    expect([before, during, bus.listenerCount]).toEqual([0, 1, 0]);
  });

  it("that throw are logged by name and keep no other from hearing", () => {
    const { bus, hooks, logged } = createHooks();
    const heard: unknown[] = [];
    hooks.on("job.succeeded", () => {
      throw new Error("broken");
    });
    hooks.on("job.succeeded", (event) => void heard.push(event));

    bus.publishTransition(succeeded);

    expect(heard).toEqual([succeeded]);
    expect(logged).toMatchObject([{ hook: "job.succeeded", err: { message: "broken" } }]);
  });

  it("that reject are logged by name", async () => {
    const { hooks, logged } = createHooks();
    hooks.on("worker.stopped", () => Promise.reject(new Error("broken later")));

    hooks.emit({ type: "worker.stopped", worker: { id: "w", name: "worker@host" } });
    await hooks.settle();

    expect(logged).toMatchObject([{ work: "hook worker.stopped", err: { message: "broken later" } }]);
  });

  it("settle when what async ones began has ended", async () => {
    const { bus, hooks } = createHooks();
    const steps: string[] = [];
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    hooks.on("job.succeeded", async () => {
      await released;
      steps.push("written");
    });

    bus.publishTransition(succeeded);
    const settled = hooks.settle().then(() => steps.push("settled"));
    steps.push("published");
    release();
    await settled;

    expect(steps).toEqual(["published", "written", "settled"]);
  });
});
