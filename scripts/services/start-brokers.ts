import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ensureBrokerPackages } from "./debian-root.ts";
import { startRabbitmq } from "./rabbitmq.ts";
import { startRedis } from "./redis.ts";
import { stopProcessesInRoot } from "./root-processes.ts";
import type { RootProcess } from "./root-processes.ts";
import { freePort } from "./start.ts";
import type { ServicesState } from "./state.ts";

const redisFolder = "/srv/redis-tests";
const rabbitmqFolder = "/srv/rabbitmq";

/** Starts the Redis of the tests inside the private root. Services that run already stay as they are. */
export async function addRedis(directory: string, root: string): Promise<Pick<ServicesState, "redisUrl">> {
  await ensureBrokerPackages(root);
  await stopProcessesInRoot(root, { only: isRedis });
  const port = await freePort(55_379);
  await startRedis(root, { folder: redisFolder, port, logPath: join(directory, "redis-tests.log") });
  return { redisUrl: `redis://127.0.0.1:${port}` };
}

/** Starts the RabbitMQ of the tests inside the private root. Services that run already stay as they are. */
export async function addRabbitmq(
  directory: string,
  root: string,
): Promise<Pick<ServicesState, "rabbitmqUrl" | "rabbitmqManagementUrl">> {
  await ensureBrokerPackages(root);
  await stopProcessesInRoot(root, { only: isRabbitmq });
  const port = await freePort(55_672);
  const managementPort = await freePort(55_673);
  const user = "millrace";
  const password = randomBytes(18).toString("base64url");
  await startRabbitmq(root, {
    folder: rabbitmqFolder,
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

function isRedis({ name, words }: RootProcess): boolean {
  return name === "redis-server" && words.some((word) => word.includes(`${redisFolder}/`));
}

// Erlang names its home among its arguments; the script that started it ends with it.
function isRabbitmq({ name, words }: RootProcess): boolean {
  return name === "beam.smp" && words.includes(rabbitmqFolder);
}
