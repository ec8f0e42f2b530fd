import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ensureBrokerPackages } from "./debian-root.ts";
import { startRabbitmq } from "./rabbitmq.ts";
import { startRedis } from "./redis.ts";
import { stopServers } from "./root-processes.ts";
import { folders } from "./server-folders.ts";
import { freePort } from "./start.ts";
import type { ServicesState } from "./state.ts";

/** Starts the Redis of the tests inside the private root. Services that run already stay as they are. */
export async function addRedis(directory: string, root: string): Promise<Pick<ServicesState, "redisUrl">> {
  await ensureBrokerPackages(root);
  await stopServers(root, [folders.redis]);
  const port = await freePort(55_379);
  await startRedis(root, { folder: folders.redis, port, logPath: join(directory, "redis-tests.log") });
  return { redisUrl: `redis://127.0.0.1:${port}` };
}

/** Starts the RabbitMQ of the tests inside the private root. Services that run already stay as they are. */
export async function addRabbitmq(
  directory: string,
  root: string,
): Promise<Pick<ServicesState, "rabbitmqUrl" | "rabbitmqManagementUrl">> {
  await ensureBrokerPackages(root);
  await stopServers(root, [folders.rabbitmq]);
  const port = await freePort(55_672);
  const managementPort = await freePort(55_673);
  const user = "millrace";
  const password = randomBytes(18).toString("base64url");
  await startRabbitmq(root, {
    folder: folders.rabbitmq,
    name: "millrace-tests",
    port,
    managementPort,
    epmdPort: await freePort(55_369),
    distributionPort: await freePort(55_671),
    user,
    password,
    logPath: join(directory, "rabbitmq.log"),
  });
  return {
    rabbitmqUrl: `amqp://${user}:${password}@127.0.0.1:${port}`,
    rabbitmqManagementUrl: `http://${user}:${password}@127.0.0.1:${managementPort}`,
  };
}
