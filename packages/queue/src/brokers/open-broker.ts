import type { Database } from "@millrace/database";
import type { Logger, Service } from "@millrace/kernel";
import { databaseBrokerNeedsServer, invalidBrokerUrl } from "../errors.ts";
import type { Broker } from "./broker.ts";
import { createMemoryBroker } from "./memory-broker.ts";
import { createPostgresBroker } from "./postgres/postgres-broker.ts";

export type OpenBrokerParts = {
  /** BROKER_URL. Unset: hints go by the database, or stay in this process where that is embedded. */
  readonly url?: string | undefined;
  readonly database: Database;
  /** Where the database is reached without a pooler; undefined where it is embedded. */
  readonly directUrl?: string | undefined;
  readonly logger: Logger;
  /** What Redis and RabbitMQ call this process on their own pages. Default the machine and the process id. */
  readonly name?: string;
};

/**
 * The broker that the scheme of the URL names, not yet started. The clients of Redis and RabbitMQ are loaded
 * only where they are used. Throws `invalid_broker_url` for what is no address of a broker, and
 * `broker_needs_database_server` for hints by a database that is embedded.
 */
export async function openBroker(parts: OpenBrokerParts): Promise<Broker & Service> {
  const { url, database, directUrl, logger, name } = parts;
  const named = name === undefined ? {} : { name };
  if (url === undefined) {
    return directUrl === undefined
      ? withinProcess()
      : createPostgresBroker({ database, listenUrl: directUrl, logger });
  }
  switch (schemeOf(url)) {
    case "postgres:":
    case "postgresql:": {
      if (database.kind === "embedded") throw databaseBrokerNeedsServer();
      return createPostgresBroker({ database, listenUrl: directUrl ?? url, logger });
    }
    case "redis:":
    case "rediss:": {
      const { createRedisBroker } = await import("./redis/redis-broker.ts");
      return createRedisBroker({ url, logger, ...named });
    }
    case "amqp:":
    case "amqps:": {
      const { createRabbitMqBroker } = await import("./rabbitmq/rabbitmq-broker.ts");
      return createRabbitMqBroker({ url, logger, ...named });
    }
    default: {
      throw invalidBrokerUrl();
    }
  }
}

/** Undefined for what is no URL with a host. */
function schemeOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, protocol } = new URL(url);
  return hostname === "" ? undefined : protocol;
}

function withinProcess(): Broker & Service {
  const nothing = async (): Promise<void> => undefined;
  return { ...createMemoryBroker(), name: "hints", start: nothing, stop: nothing };
}
