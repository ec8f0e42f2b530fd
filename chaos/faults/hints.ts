import { z } from "zod";
import { runInRoot } from "../../scripts/services/in-root.ts";
import type { Ground } from "../ground/ground.ts";
import type { Random } from "../load/random.ts";
import type { Fault } from "./fault.ts";
import { nothingToHeal } from "./fault.ts";

const garbage: readonly string[] = [
  "",
  "not json",
  "{",
  "null",
  "[]",
  '{"queue":7}',
  '{"queue":"no_such_queue","count":-1,"job_ids":["x"]}',
  '{"queue":"default","count":1e308,"job_ids":[]}',
  `{"queue":"${"q".repeat(7000)}"}`,
];
const queues: readonly string[] = ["default", "documents", "chat"];
const copies = 40;

/** What happens to the hints in the brokers. */
export const hintFaults: readonly Fault[] = [
  {
    name: "hints-garbage",
    what: "messages that are no hints in every broker",
    holdMs: 0,
    inject: async (ground) => {
      for (const text of garbage) await tellAll(ground, text);
      return nothingToHeal;
    },
  },
  {
    name: "hints-duplicated",
    what: "each hint many times over, out of order, also of queues without jobs",
    holdMs: 0,
    inject: async (ground, random) => {
      for (let copy = 0; copy < copies; copy++) await tellAll(ground, hint(random));
      await repeatRedisStreams(ground);
      return nothingToHeal;
    },
  },
  {
    name: "hints-late",
    what: "each process's broker connections delayed differently, so that hints overtake each other",
    holdMs: 5000,
    inject: async ({ seats }, random) => {
      for (const { networks } of seats) {
        networks.broker.set({ kind: "delay", delayMs: random.between(100, 2500) });
        networks.listen.set({ kind: "delay", delayMs: random.between(100, 2500) });
      }
      return () => {
        for (const { networks } of seats)
          for (const proxy of [networks.broker, networks.listen]) proxy.restore();
        return Promise.resolve();
      };
    },
  },
  {
    name: "redis-flushed",
    what: "FLUSHALL",
    holdMs: 0,
    inject: async ({ redis }) => {
      await redis.command("FLUSHALL");
      return nothingToHeal;
    },
  },
  {
    name: "rabbitmq-queues-deleted",
    what: "every queue of RabbitMQ deleted under its consumers",
    holdMs: 0,
    needs: "rabbitmq",
    inject: async ({ rabbitmq }) => {
      for (const name of await listQueues(rabbitmq)) {
        await rabbitmq.manage("DELETE", `/queues/%2F/${encodeURIComponent(name)}`);
      }
      return nothingToHeal;
    },
  },
  {
    name: "rabbitmq-memory-alarm",
    what: "RabbitMQ's memory alarm: whoever publishes is blocked",
    holdMs: 6000,
    needs: "rabbitmq",
    inject: async ({ rabbitmq }) => {
      await rabbitmq.setMemoryShare(0.00001);
      return () => rabbitmq.setMemoryShare(0.6);
    },
  },
];

function hint(random: Random): string {
  return JSON.stringify({ queue: random.pick(queues), count: random.between(1, 50), job_ids: [] });
}

/** To every process, by all brokers that are there. */
async function tellAll(ground: Ground, text: string): Promise<void> {
  const { place, postgres, redis, rabbitmq } = ground;
  // As a parameter, so that any text is one.
  const statement = `SELECT pg_notify('millrace_hint', $millrace$${text}$millrace$)`;
  await runInRoot(place.root, "postgres", ["psql", postgres.url, "-XAtqc", statement]);
  for (const key of await redisStreams(ground)) await redis.command("XADD", key, "*", "hint", text);
  for (const name of await listQueues(rabbitmq)) {
    await rabbitmq.manage("POST", "/exchanges/%2F/amq.default/publish", {
      properties: {},
      routing_key: name,
      payload: text,
      payload_encoding: "string",
    });
  }
}

const queueList = z.array(z.object({ name: z.string() }));

async function listQueues(rabbitmq: Ground["rabbitmq"]): Promise<string[]> {
  return queueList.parse(await rabbitmq.manage("GET", "/queues?columns=name")).map(({ name }) => name);
}

async function redisStreams({ redis }: Ground): Promise<string[]> {
  const found = await redis.command("--scan", "--pattern", "*");
  const keys = found.split("\n").filter((key) => key.trim() !== "");
  const kinds = await Promise.all(keys.map((key) => redis.command("TYPE", key)));
  return keys.filter((_key, index) => kinds[index]?.trim() === "stream");
}

/** What is still in the streams once more, the newest first. */
async function repeatRedisStreams(ground: Ground): Promise<void> {
  for (const key of await redisStreams(ground)) {
    const script =
      "for _, e in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 50)) do redis.call('XADD', KEYS[1], '*', unpack(e[2])) end";
    await ground.redis.command("EVAL", script, "1", key);
  }
}
