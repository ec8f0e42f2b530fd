import { jobDetailSchema, jobSchema } from "@millrace/contracts";
import { startRedisServer, waitFor } from "@millrace/testing";
import type { RedisServer, RunningMillrace } from "@millrace/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "./fleet.ts";

const tasks = `import { defineTask, handleTask, z } from "millrace";

export const keep = handleTask({
  task: defineTask({ name: "keep", input: z.object({ value: z.string() }), output: z.object({ kept: z.string() }) }),
  run: async ({ input, cache }) => ({
    kept: await cache.once("one name", { ttlMs: 600_000, schema: z.string() }, async () => input.value),
  }),
});
`;

describe("two installations on one database of one Redis", () => {
  let redis: RedisServer;
  let client: Redis;
  let fleets: readonly Fleet[];
  let first: RunningMillrace;
  let second: RunningMillrace;

  beforeAll(async () => {
    redis = await startRedisServer();
    client = new Redis(redis.url);
    client.on("error", () => undefined);
    const open = () => Fleet.open({ "tasks/tasks.ts": tasks });
    fleets = [await open(), await open()];
    const start = (fleet: Fleet | undefined) => fleet?.start(["start"], { REDIS_URL: redis.url });
    const started = [await start(fleets[0]), await start(fleets[1])];
    [first, second] = started as [RunningMillrace, RunningMillrace];
  });
  afterAll(async () => {
    for (const fleet of fleets ?? []) await fleet.close();
    client.disconnect();
    await redis.kill();
  });

  async function keep(server: RunningMillrace, value: string) {
    const added = await fetch(`${server.url}/api/tasks/keep/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: { value } }),
    });
    const { id } = jobSchema.parse(await added.json());
    const done = await fetch(`${server.url}/api/jobs/${id}`, { headers: { prefer: "wait=30" } });
    return jobDetailSchema.parse(await done.json());
  }

  it("keep different things under one name, and don't answer for each other's jobs", async () => {
    const { id, output } = await keep(first, "of the first");
    await waitFor(async () => (await client.keys(`millrace:*:job:${id}`)).length === 1, {
      describe: "the copy of the first one's job",
    });

    expect(output).toEqual({ kept: "of the first" });
    expect((await keep(second, "of the second")).output).toEqual({ kept: "of the second" });
    expect((await fetch(`${second.url}/api/jobs/${id}`)).status).toBe(404);
  });

  it("don't hear each other's news", async () => {
    const counts = async () => {
      const channels = (await client.pubsub("CHANNELS", "millrace:*:news")) as string[];
      return (await client.pubsub("NUMSUB", ...channels)).filter((entry) => typeof entry === "number");
    };

    await expect.poll(counts).toEqual([1, 1]);
  });
});
