import { runInRoot } from "../../scripts/services/in-root.ts";
import type { BrokerKind, Ground } from "../ground/ground.ts";
import { setDiskFull } from "../ground/place.ts";
import type { Server } from "../ground/server.ts";
import type { Fault } from "./fault.ts";
import { momentary, seatsOf, signsAt } from "./fault.ts";
import type { Sign } from "../health/health-watch.ts";

type ServerName = "postgres" | "pgbouncer" | "redis" | "rabbitmq";

/** What happens to PostgreSQL, pgBouncer, Redis and RabbitMQ. */
export const serverFaults: readonly Fault[] = [
  restart("postgres", "PostgreSQL"),
  kill9("postgres", "PostgreSQL"),
  kill9("pgbouncer", "pgBouncer"),
  restart("redis", "Redis", "redis"),
  kill9("redis", "Redis", "redis"),
  restart("rabbitmq", "RabbitMQ", "rabbitmq"),
  kill9("rabbitmq", "RabbitMQ", "rabbitmq"),
  {
    name: "postgres-sessions-ended",
    what: "every session of PostgreSQL ended by an administrator, five times",
    holdMs: 0,
    inject: async (ground) => {
      for (let times = 0; times < 5; times++) {
        await query(
          ground,
          `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
           WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
        );
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return momentary;
    },
  },
  {
    name: "postgres-read-only",
    what: "default_transaction_read_only switched on for all, then off",
    holdMs: 5000,
    inject: async (ground) => {
      await setReadOnly(ground, "on");
      return { heal: () => setReadOnly(ground, "off"), signs: signsAt(ground.seats, "not ready") };
    },
  },
  {
    name: "disk-full",
    what: "no room left on the disk of PostgreSQL and the brokers, then room again",
    holdMs: 6000,
    inject: async (ground) => {
      await setDiskFull(ground.place, true);
      const heal = async (): Promise<void> => {
        await setDiskFull(ground.place, false);
        // A server may have given up; whoever watches over it starts it again.
        for (const server of [ground.postgres, ground.redis]) await ensureUp(server);
        // Its quorum queues may have ended although it is up, and come back by a restart only.
        await ground.rabbitmq.stop();
        await ground.rabbitmq.start();
      };
      // Workers write less, and may not have met it.
      const asked = ground.seats.filter(({ member }) => member.role === "api");
      return { heal, signs: signsAt(asked, "not ready") };
    },
  },
  {
    name: "all-brokers-down",
    what: "Redis and RabbitMQ killed and away for a minute, LISTEN connections refused",
    holdMs: 60_000,
    inject: async (ground) => {
      const { redis, rabbitmq, seats } = ground;
      for (const { networks } of seats) networks.listen.refuse();
      await Promise.all([redis.kill9(), rabbitmq.kill9()]);
      const heal = async (): Promise<void> => {
        for (const { networks } of seats) networks.listen.restore();
        await Promise.all([redis.start(), rabbitmq.start()]);
      };
      // Who only tells of work through PostgreSQL does so with any connection, and needs none to LISTEN.
      const cut = seats.filter(({ broker, member }) => broker !== "postgres" || member.role === "worker");
      return { heal, signs: [...signsAt(seats, "redis"), ...signsAt(cut, "hints")] };
    },
  },
];

function restart(server: ServerName, called: string, needs?: BrokerKind): Fault {
  return {
    name: `${server}-restarted`,
    what: `${called} stopped in order and started again`,
    holdMs: 1000,
    ...(needs === undefined ? {} : { needs }),
    inject: async (ground) => {
      await ground[server].stop();
      return { heal: () => ground[server].start(), signs: signsOfAway(ground, server) };
    },
  };
}

function kill9(server: ServerName, called: string, needs?: BrokerKind): Fault {
  return {
    name: `${server}-killed`,
    what: `kill -9 of ${called}, started again two seconds later`,
    holdMs: 2000,
    ...(needs === undefined ? {} : { needs }),
    inject: async (ground) => {
      await ground[server].kill9();
      return { heal: () => ground[server].start(), signs: signsOfAway(ground, server) };
    },
  };
}

/** Without its database nobody can work; without a broker everybody can, and says that hints are missing. */
function signsOfAway(ground: Ground, server: ServerName): Sign[] {
  switch (server) {
    case "postgres":
    case "pgbouncer":
      return signsAt(ground.seats, "not ready");
    case "redis":
      return [...signsAt(ground.seats, "redis"), ...signsAt(seatsOf(ground, "redis"), "hints")];
    case "rabbitmq":
      return signsAt(seatsOf(ground, "rabbitmq"), "hints");
  }
}

/** By a client of its own: what the run keeps open may just have been cut. */
async function query({ place, postgres }: Ground, text: string): Promise<void> {
  await runInRoot(place.root, "postgres", ["psql", postgres.url, "-XAtqc", text]);
}

async function setReadOnly(ground: Ground, value: "on" | "off"): Promise<void> {
  await query(ground, `ALTER SYSTEM SET default_transaction_read_only = ${value}`);
  await query(ground, "SELECT pg_reload_conf()");
}

async function ensureUp(server: Server): Promise<void> {
  await server.stop();
  await server.start();
}
