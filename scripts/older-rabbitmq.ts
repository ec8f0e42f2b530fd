import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { runProgram } from "./run-program.ts";
import { ensureOlderRabbitmq } from "./services/debian-root.ts";
import { withFolderLock } from "./services/folder-lock.ts";
import { startRabbitmq } from "./services/rabbitmq.ts";
import type { RabbitmqNode } from "./services/rabbitmq.ts";
import { stopServers } from "./services/root-processes.ts";
import { folders } from "./services/server-folders.ts";
import { freePort } from "./services/start.ts";
import { servicesDirectory } from "./services/state.ts";

/*
 * What the broker promises on RabbitMQ is tried by the other tests with 4.x; this tries it with the oldest that is
 * promised, 3.10, in a private Debian 12 beside that of the services, which have to run. Words after the name are
 * given to vitest in place of the files below.
 */

const root = join(import.meta.dirname, "..");
const testFiles = [
  "packages/queue/test/brokers/rabbitmq",
  "packages/queue/test/brokers/brokers.services",
  "chaos/rabbitmq-node",
];
const runTimeoutMs = 60 * 60_000;

async function tryOlder(directory: string): Promise<number> {
  const debian = await ensureOlderRabbitmq(directory);
  await stopServers(debian, [folders.rabbitmq]);
  const node: RabbitmqNode = {
    folder: folders.rabbitmq,
    name: "millrace-older",
    port: await freePort(0),
    managementPort: await freePort(0),
    epmdPort: await freePort(0),
    distributionPort: await freePort(0),
    user: "millrace",
    password: randomBytes(18).toString("base64url"),
    logPath: join(directory, "rabbitmq.log"),
  };
  const login = `${node.user}:${node.password}@127.0.0.1`;
  try {
    await startRabbitmq(debian, node);
    console.log(`RabbitMQ ${await versionOf(node)}`);
    const given = process.argv.slice(2);
    const { exitCode } = await runProgram(
      process.execPath,
      [join(root, "node_modules/vitest/vitest.mjs"), "run", ...(given.length === 0 ? testFiles : given)],
      {
        workingDirectory: root,
        echo: true,
        timeoutMs: runTimeoutMs,
        environment: {
          MILLRACE_NIGHTLY: "1",
          MILLRACE_TEST_RABBITMQ_URL: `amqp://${login}:${node.port}`,
          MILLRACE_TEST_RABBITMQ_MANAGEMENT_URL: `http://${login}:${node.managementPort}`,
          MILLRACE_TEST_RABBITMQ_ROOT: debian,
        },
      },
    );
    return exitCode;
  } finally {
    await stopServers(debian, [folders.rabbitmq]);
  }
}

async function versionOf({ managementPort, user, password }: RabbitmqNode): Promise<string> {
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  const response = await fetch(`http://127.0.0.1:${managementPort}/api/overview`, {
    headers: { authorization: `Basic ${credentials}` },
  });
  const { rabbitmq_version: version } = (await response.json()) as { readonly rabbitmq_version?: string };
  return version ?? "of an unknown version";
}

const directory = join(servicesDirectory(), "rabbitmq-3.10");
process.exitCode = await withFolderLock(directory, () => tryOlder(directory));
