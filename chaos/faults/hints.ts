import { toError } from "@millrace/kernel";
import { z } from "zod";
import { runInRoot } from "../../scripts/services/in-root.ts";
import type { Ground } from "../ground/ground.ts";
import type { Random } from "../load/random.ts";
import type { Fault } from "./fault.ts";
import { momentary, seatsOf, signsAt } from "./fault.ts";

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
const copies = 20;

/** What happens to the hints in the brokers. */
export const hintFaults: readonly Fault[] = [
  {
    name: "hints-garbage",
    what: "messages that are no hints in every broker",
    holdMs: 0,
    inject: async (ground) => {
      await tellAll(ground, garbage);
      return momentary;
    },
  },
  {
    name: "hints-duplicated",
    what: "each hint many times over, out of order, also of queues without jobs",
    holdMs: 0,
    inject: async (ground, random) => {
      await repeatRedisStreams(ground);
      await tellAll(
        ground,
        Array.from({ length: copies }, () => hint(random)),
      );
      return momentary;
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
      const heal = (): Promise<void> => {
        for (const { networks } of seats)
          for (const proxy of [networks.broker, networks.listen]) proxy.restore();
        return Promise.resolve();
      };
      return { heal, signs: [] };
    },
  },
  {
    name: "redis-flushed",
    what: "FLUSHALL",
    holdMs: 0,
    inject: async ({ redis }) => {
      await redis.command("FLUSHALL");
      return momentary;
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
      return momentary;
    },
  },
  {
    name: "rabbitmq-queues-broken",
    what: "what RabbitMQ keeps every queue in damaged while it is stopped",
    holdMs: 0,
    needs: "rabbitmq",
    inject: async (ground) => {
      const { rabbitmq } = ground;
      // Those that a repair makes for a moment may be gone by then.
      const names = (await listQueues(rabbitmq)).filter((name) => !name.startsWith("millrace.repair."));
      await rabbitmq.stop();
      try {
        for (const name of names) await rabbitmq.damageQueue(name);
      } finally {
        await rabbitmq.start();
      }
      const hearing = seatsOf(ground, "rabbitmq").filter(({ member }) => member.role === "worker");
      // Nobody mends it but the processes themselves.
      return { heal: () => Promise.resolve(), signs: signsAt(hearing, "hints") };
    },
  },
  {
    name: "rabbitmq-memory-alarm",
    what: "RabbitMQ's memory alarm: whoever publishes is blocked",
    holdMs: 6000,
    needs: "rabbitmq",
    inject: async (ground) => {
      await ground.rabbitmq.setMemoryShare(0.00001);
      // A process learns of it when it publishes, which the others may not do for a while.
      const publishing = seatsOf(ground, "rabbitmq").filter(({ member }) => member.role === "api");
      return { heal: () => ground.rabbitmq.setMemoryShare(0.6), signs: signsAt(publishing, "hints") };
    },
  },
];

function hint(random: Random): string {
  return JSON.stringify({ queue: random.pick(queues), count: random.between(1, 50), job_ids: [] });
}

/** To every process, by all brokers that are there. */
async function tellAll(
  { place, postgres, redis, rabbitmq }: Ground,
  texts: readonly string[],
): Promise<void> {
  // Quoted by dollars, so that any text is one.
  const notify = texts.map((text) => `pg_notify('millrace_hint', $millrace$${text}$millrace$)`);
  const statement = `SELECT ${notify.join(", ")}`;
  await runInRoot(place.root, "postgres", ["psql", postgres.url, "-XAtqc", statement]);
  await redis.command("EVAL", addToStreams, "0", ...texts);
  for (const name of await listQueues(rabbitmq)) {
    for (const text of texts) {
      const message = { properties: {}, routing_key: name, payload: text, payload_encoding: "string" };
      try {
        await rabbitmq.manage("POST", "/exchanges/%2F/amq.default/publish", message);
      } catch (error) {
        // One that an earlier fault has damaged refuses ours as well, until somebody needs it and makes it anew.
        if (!toError(error).message.includes("Unable to publish message")) throw error;
        break;
      }
    }
  }
}

const forEachStream = (work: string): string =>
  `for _, key in ipairs(redis.call('KEYS', '*')) do
     if redis.call('TYPE', key).ok == 'stream' then ${work} end
   end`;
/** Each text to each stream. */
const addToStreams = forEachStream(
  "for _, text in ipairs(ARGV) do redis.call('XADD', key, '*', 'hint', text) end",
);
/** What is still in each stream once more, the newest first. */
const repeatStreams = forEachStream(
  `for _, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', 50)) do
     redis.call('XADD', key, '*', unpack(entry[2]))
   end`,
);

const queueList = z.array(z.object({ name: z.string() }));

async function listQueues(rabbitmq: Ground["rabbitmq"]): Promise<string[]> {
  return queueList.parse(await rabbitmq.manage("GET", "/queues?columns=name")).map(({ name }) => name);
}

async function repeatRedisStreams({ redis }: Ground): Promise<void> {
  await redis.command("EVAL", repeatStreams, "0");
}
