import { describe, expect, it } from "vitest";
import { Lifecycle } from "./lifecycle.ts";
import type { Service } from "./lifecycle.ts";
import { createLogger, silentLogger } from "./log.ts";

function recorded(name: string, steps: string[], changes: Partial<Service> = {}): Service {
  return {
    name,
    start: async () => void steps.push(`start ${name}`),
    stop: async () => void steps.push(`stop ${name}`),
    ...changes,
  };
}

const never = () => new Promise<never>(() => undefined);

describe("Lifecycle", () => {
  it("stops in the reverse order of starting, each after the other has ended", async () => {
    const steps: string[] = [];
    const lifecycle = new Lifecycle(silentLogger);
    await lifecycle.start(recorded("database", steps));
    const stop = async () => {
      steps.push("stopping http");
      await new Promise((resolve) => setImmediate(resolve));
      steps.push("stopped http");
    };
    await lifecycle.start(recorded("http", steps, { stop }));

    await lifecycle.stop(1_000);

    expect(steps).toEqual(["start database", "start http", "stopping http", "stopped http", "stop database"]);
  });

  it("stops once, however often it is asked", async () => {
    const steps: string[] = [];
    const lifecycle = new Lifecycle(silentLogger);
    await lifecycle.start(recorded("one", steps));

    const stops = [lifecycle.stop(1_000), lifecycle.stop(1_000)];
    await Promise.all(stops);
    await lifecycle.stop(1_000);

    expect(steps).toEqual(["start one", "stop one"]);
    expect(stops[0]).toBe(stops[1]);
  });

  it("stops what was started before a service that fails to start, and throws its error", async () => {
    const steps: string[] = [];
    const refusal = new Error("address in use");
    const lifecycle = new Lifecycle(silentLogger);
    await lifecycle.start(recorded("database", steps));

    const starting = lifecycle.start(recorded("http", steps, { start: () => Promise.reject(refusal) }));

    await expect(starting).rejects.toBe(refusal);
    expect(steps).toEqual(["start database", "stop http", "stop database"]);
  });

  it("does not start anything once it stops, since nobody would stop that", async () => {
    const steps: string[] = [];
    const lifecycle = new Lifecycle(silentLogger);
    await lifecycle.start(recorded("database", steps));
    await lifecycle.stop(1_000);

    const starting = lifecycle.start(recorded("late", steps));

    await expect(starting).rejects.toMatchObject({ reason: "shutdown" });
    expect(steps).toEqual(["start database", "stop database"]);
  });

  it("stops a service again that began to start before the stop and was ready after it", async () => {
    const steps: string[] = [];
    const lifecycle = new Lifecycle(silentLogger);
    const ready = Promise.withResolvers<void>();
    const starting = lifecycle.start(recorded("slow", steps, { start: () => ready.promise }));

    await lifecycle.stop(1_000);
    ready.resolve();

    await expect(starting).rejects.toMatchObject({ reason: "shutdown" });
    expect(steps).toEqual(["stop slow", "stop slow"]);
  });

  it("goes on to the next when a service fails to stop or exceeds the deadline, and logs both", async () => {
    const steps: string[] = [];
    const lines: string[] = [];
    const logger = createLogger({
      level: "error",
      name: "test",
      destination: { write: (line) => void lines.push(line) },
    });
    const lifecycle = new Lifecycle(logger);
    await lifecycle.start(recorded("database", steps));
    await lifecycle.start(recorded("stuck", steps, { stop: never }));
    await lifecycle.start(recorded("failing", steps, { stop: () => Promise.reject(new Error("no")) }));

    await lifecycle.stop(120);

    expect(steps.at(-1)).toBe("stop database");
    expect(lines.map((line) => /"service":"(\w+)"/.exec(line)?.[1])).toEqual(["failing", "stuck"]);
  });
});
