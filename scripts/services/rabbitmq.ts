import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runInRoot, spawnInRoot } from "./in-root.ts";
import { accepts } from "./start.ts";

/** The settings of every RabbitMQ that we start or describe: these services and deploy/compose.yaml. */
const rabbitmqSettingsFile = join(import.meta.dirname, "../../deploy/rabbitmq.conf");

// Erlang boots slowly on a machine that is busy with other things.
const readyTimeoutMs = 120_000;

export type RabbitmqNode = {
  /** Where its files are, as seen inside the private root. */
  readonly folder: string;
  /** Must differ between nodes of one machine. */
  readonly name: string;
  readonly port: number;
  readonly managementPort: number;
  /** Of Erlang's name service: one of its own, so that no other Erlang on the machine is met. */
  readonly epmdPort: number;
  /** Where rabbitmqctl reaches the node. */
  readonly distributionPort: number;
  readonly user: string;
  readonly password: string;
  readonly logPath: string;
  /** Lines of rabbitmq.conf where it is to differ from the deployment's. Default none. */
  readonly settings?: readonly string[];
};

/**
 * Starts a fresh RabbitMQ node with its management page inside the private root, on loopback only,
 * and waits until both answer. What an earlier node in this folder held is deleted.
 */
export async function startRabbitmq(root: string, node: RabbitmqNode): Promise<void> {
  await writeNodeFiles(root, node);
  await spawnInRoot(root, "rabbitmq", node.logPath, [
    "/usr/bin/env",
    ...rabbitmqEnvironment(node),
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
  ]);
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline) {
    if ((await accepts(node.port)) && (await managementAnswers(node))) return;
    await delay(200);
  }
  const log = await readFile(node.logPath, "utf8").catch(() => "");
  throw new Error(`RabbitMQ did not answer within ${readyTimeoutMs / 1000} s:\n${log.slice(-2000)}`);
}

/** The settings by which the node's own programs, such as rabbitmqctl, find it: words for `env`. */
export function rabbitmqEnvironment(node: RabbitmqNode): string[] {
  return [
    `HOME=${node.folder}`,
    `RABBITMQ_NODENAME=${node.name}@localhost`,
    `RABBITMQ_CONFIG_FILE=${node.folder}/rabbitmq.conf`,
    `RABBITMQ_ENABLED_PLUGINS_FILE=${node.folder}/enabled_plugins`,
    `RABBITMQ_MNESIA_BASE=${node.folder}/data`,
    `RABBITMQ_DIST_PORT=${node.distributionPort}`,
    "RABBITMQ_LOGS=-",
    `ERL_EPMD_PORT=${node.epmdPort}`,
    "ERL_EPMD_ADDRESS=127.0.0.1",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
  ];
}

async function writeNodeFiles(root: string, node: RabbitmqNode): Promise<void> {
  const folder = join(root, node.folder);
  // The user is made at the node's first start only, so a node with a new password needs a new folder.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const settings = [
    await readFile(rabbitmqSettingsFile, "utf8"),
    `listeners.tcp.1 = 127.0.0.1:${node.port}`,
    "management.tcp.ip = 127.0.0.1",
    `management.tcp.port = ${node.managementPort}`,
    `default_user = ${node.user}`,
    `default_pass = ${node.password}`,
    // The last of two lines for one setting counts.
    ...(node.settings ?? []),
  ];
  await writeFile(join(folder, "rabbitmq.conf"), `${settings.join("\n")}\n`, { mode: 0o600 });
  await writeFile(join(folder, "enabled_plugins"), "[rabbitmq_management].\n");
  await runInRoot(root, "root", ["chown", "-R", "rabbitmq:rabbitmq", node.folder]);
}

async function managementAnswers(node: RabbitmqNode): Promise<boolean> {
  const credentials = Buffer.from(`${node.user}:${node.password}`).toString("base64");
  return fetch(`http://127.0.0.1:${node.managementPort}/api/health/checks/local-alarms`, {
    headers: { authorization: `Basic ${credentials}` },
    signal: AbortSignal.timeout(5000),
  }).then(
    async (response) => (await response.json().catch(() => undefined)) !== undefined && response.ok,
    () => false,
  );
}
