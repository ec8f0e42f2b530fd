import { runInRoot } from "../../scripts/services/in-root.ts";
import type { BrokerKind, Ground } from "../ground/ground.ts";
import { setDiskFull } from "../ground/place.ts";
import type { Server } from "../ground/server.ts";
import type { Fault } from "./fault.ts";
import { nothingToHeal } from "./fault.ts";

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
      return nothingToHeal;
    },
  },
  {
    name: "postgres-read-only",
    what: "default_transaction_read_only switched on for all, then off",
    holdMs: 5000,
    inject: async (ground) => {
      await setReadOnly(ground, "on");
      return () => setReadOnly(ground, "off");
    },
  },
  {
    name: "disk-full",
    what: "no room left on the disk of PostgreSQL and the brokers, then room again",
    holdMs: 6000,
    inject: async (ground) => {
      await setDiskFull(ground.place, true);
      return async () => {
        await setDiskFull(ground.place, false);
        // A server may have given up; whoever watches over it starts it again.
        for (const server of [ground.postgres, ground.redis, ground.rabbitmq]) await ensureUp(server);
      };
    },
  },
  {
    name: "all-brokers-down",
    what: "Redis and RabbitMQ killed and away for a minute, LISTEN connections refused",
    holdMs: 60_000,
    inject: async ({ redis, rabbitmq, seats }) => {
      for (const { networks } of seats) networks.listen.refuse();
      await Promise.all([redis.kill9(), rabbitmq.kill9()]);
      return async () => {
        for (const { networks } of seats) networks.listen.restore();
        await Promise.all([redis.start(), rabbitmq.start()]);
      };
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
      return () => ground[server].start();
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
      return () => ground[server].start();
    },
  };
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
