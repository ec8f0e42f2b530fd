import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runInRoot, spawnInRoot } from "../../scripts/services/in-root.ts";
import { rabbitmqEnvironment, startRabbitmq } from "../../scripts/services/rabbitmq.ts";
import type { RabbitmqNode } from "../../scripts/services/rabbitmq.ts";
import { startRedis } from "../../scripts/services/redis.ts";
import { freePort } from "../../scripts/services/start.ts";
import type { Place } from "./place.ts";
import { endings } from "./server.ts";
import type { Server } from "./server.ts";

export type RedisServer = Server & {
  /** Runs a command of Redis and gives what it printed. */
  readonly command: (...words: string[]) => Promise<string>;
};

export async function ownRedis({ root, folder, logs }: Place): Promise<RedisServer> {
  const port = await freePort(0);
  const own = `${folder}/redis`;
  return {
    name: "Redis",
    port,
    url: `redis://127.0.0.1:${port}`,
    start: () => startRedis(root, { folder: own, port, logPath: join(logs, "redis.log") }),
    command: (...words) => runInRoot(root, "redis", ["redis-cli", "-p", String(port), ...words]),
    ...endings(own, port, "SIGINT"),
  };
}

export type RabbitmqServer = Server & {
  /** Asks its management page; gives the parsed body of the answer. */
  readonly manage: (method: string, path: string, body?: object) => Promise<unknown>;
  /** Below what it uses, an alarm blocks everyone who publishes; 0.6 is the setting of our deployments. */
  readonly setMemoryShare: (share: number) => Promise<void>;
  /** While it is stopped: after its next start it knows a quorum queue and can't serve it, as after a full disk. */
  readonly damageQueue: (name: string) => Promise<void>;
};

const readyLimitMs = 120_000;

export async function ownRabbitmq({ root, folder, logs }: Place): Promise<RabbitmqServer> {
  const node: RabbitmqNode = {
    folder: `${folder}/rabbitmq`,
    name: `chaos${process.pid}`,
    port: await freePort(0),
    managementPort: await freePort(0),
    epmdPort: await freePort(0),
    distributionPort: await freePort(0),
    user: "millrace",
    password: randomBytes(18).toString("base64url"),
    logPath: join(logs, "rabbitmq.log"),
    // The disk of a run is hardly larger than what a deployment keeps free: its alarm would never end.
    settings: ["disk_free_limit.absolute = 100MB"],
  };
  const credentials = Buffer.from(`${node.user}:${node.password}`).toString("base64");
  const manage = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${node.managementPort}/api${path}`, {
      method,
      headers: { authorization: `Basic ${credentials}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${path}: ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  };
  const words = (...command: string[]): string[] => [
    "/usr/bin/env",
    ...rabbitmqEnvironment(node),
    ...command,
  ];
  let isFirstStart = true;
  return {
    name: "RabbitMQ",
    port: node.port,
    url: `amqp://${node.user}:${node.password}@127.0.0.1:${node.port}`,
    start: async () => {
      if (isFirstStart) await startRabbitmq(root, node);
      else {
        await spawnInRoot(root, "rabbitmq", node.logPath, words("/usr/lib/rabbitmq/bin/rabbitmq-server"));
        await untilManaged(manage, node.logPath);
      }
      isFirstStart = false;
    },
    manage,
    setMemoryShare: async (share) => {
      const command = words(
        "/usr/lib/rabbitmq/bin/rabbitmqctl",
        "set_vm_memory_high_watermark",
        String(share),
      );
      await runInRoot(root, "rabbitmq", command);
    },
    damageQueue: (name) => damageQueue(join(root, node.folder, "data"), name),
    ...endings(node.folder, node.port, "SIGTERM"),
  };
}

/** Each quorum queue has a folder, named by chance, with what it is in a file. */
async function damageQueue(data: string, name: string): Promise<void> {
  for (const path of await readdir(data, { recursive: true })) {
    if (!/\/quorum\/.*\/config$/.test(path)) continue;
    const config = await readFile(join(data, path), "latin1");
    const mark = `%2F_${name}'`;
    // With the mark, so that a queue which nobody has replaced can be damaged once more.
    if (config.includes(mark)) return await writeFile(join(data, path), `damaged ${mark}`);
  }
  throw new Error(`RabbitMQ has no quorum queue ${name} in ${data}.`);
}

async function untilManaged(manage: RabbitmqServer["manage"], logPath: string): Promise<void> {
  const deadline = performance.now() + readyLimitMs;
  while (performance.now() < deadline) {
    const isReady = await manage("GET", "/health/checks/virtual-hosts").then(
      () => true,
      () => false,
    );
    if (isReady) return;
    await delay(200);
  }
  const log = await readFile(logPath, "utf8").catch(() => "");
  throw new Error(`RabbitMQ did not answer within ${readyLimitMs / 1000} s:\n${log.slice(-2000)}`);
}
