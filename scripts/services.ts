import { ensureDebianRoot, ensurePeerPackages } from "./services/debian-root.ts";
import { withFolderLock } from "./services/folder-lock.ts";
import { findServers, stopServers } from "./services/root-processes.ts";
import { folders, peerFolders } from "./services/server-folders.ts";
import { addRabbitmq, addRedis } from "./services/start-brokers.ts";
import { startPeers } from "./services/start-peers.ts";
import { accepts, startServices } from "./services/start.ts";
import { otherStarter, readState, servicesDirectory, writeState } from "./services/state.ts";
import type { PeersState, ServicesState } from "./services/state.ts";
import { join } from "node:path";

const usage = `Usage: npm run services -- start [--peers] | status | stop

PostgreSQL 17 with pgvector, pgBouncer, Redis and RabbitMQ for tests, in a private Debian root under
.services (MILLRACE_SERVICES_DIR moves it). Needs Debian and the root user; the first start installs
them. With --peers also what the benchmarks of the queue run against: a PostgreSQL and a Redis of
their own, and Celery. Services that run already stay as they are; what is missing is added.
stop ends what this checkout has started, and no servers that others have in the same root.`;

const directory = servicesDirectory();
const root = join(directory, "root");
const checkout = join(import.meta.dirname, "..");
const allFolders = Object.values(folders);
const [command, ...flags] = process.argv.slice(2);
const withPeers = flags.includes("--peers");

async function start(): Promise<void> {
  const startedAt = performance.now();
  const known = await runningState();
  let state = known ?? (await startTestServices());
  // Written after each: should the next one fail to start, the tests still find those before it.
  const add = async (added: Partial<ServicesState>) => {
    state = { ...state, ...added };
    await writeState(directory, state);
  };
  if (state.redisUrl === undefined) await add(await addRedis(directory, root));
  if (state.rabbitmqUrl === undefined) await add(await addRabbitmq(directory, root));
  if (withPeers && state.peers === undefined) await add({ peers: await addPeers() });
  report(
    state === known
      ? "already running"
      : `started in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
    state,
  );
}

async function startTestServices(): Promise<ServicesState> {
  // Half of an earlier run may be left, for example pgBouncer without PostgreSQL. Begin from nothing.
  await stopServers(root, allFolders);
  await writeState(directory, undefined);
  await ensureDebianRoot(directory);
  try {
    const state = { startedBy: checkout, ...(await startServices(directory, root)) };
    await writeState(directory, state);
    return state;
  } catch (error) {
    await stopServers(root, allFolders);
    throw error;
  }
}

async function addPeers(): Promise<PeersState> {
  await ensurePeerPackages(root);
  await stopServers(root, peerFolders);
  try {
    return await startPeers(directory, root);
  } catch (error) {
    await stopServers(root, peerFolders);
    throw error;
  }
}

async function status(): Promise<void> {
  const known = await runningState();
  if (known === undefined) {
    console.log("Test services are not running. Start them: npm run services -- start");
    process.exitCode = 3;
    return;
  }
  report("running", known);
}

async function stop(): Promise<void> {
  const other = otherStarter(await readState(directory), checkout);
  if (other !== undefined) {
    console.log(`Test services were started by ${other}, and stay. Stop them there.`);
    return;
  }
  const stopped = await stopServers(root, allFolders);
  await writeState(directory, undefined);
  console.log(stopped === 0 ? "Test services were not running." : "Test services stopped.");
}

async function runningState(): Promise<ServicesState | undefined> {
  const known = await readState(directory);
  if (known === undefined) return undefined;
  const servers = await findServers(root, [folders.postgres, folders.pgbouncer]);
  const names = new Set(servers.map((entry) => entry.name));
  if (!names.has("postgres") || !names.has("pgbouncer")) return undefined;
  const { startedBy, postgresUrl, pgbouncerUrl, redisUrl, rabbitmqUrl, rabbitmqManagementUrl, peers } = known;
  if (!(await allAccept([postgresUrl, pgbouncerUrl]))) return undefined;
  return {
    ...(startedBy === undefined ? {} : { startedBy }),
    postgresUrl,
    pgbouncerUrl,
    ...((await allAccept([redisUrl])) ? { redisUrl } : {}),
    ...((await allAccept([rabbitmqUrl, rabbitmqManagementUrl]))
      ? { rabbitmqUrl, rabbitmqManagementUrl }
      : {}),
    ...((await allAccept([peers?.postgresUrl, peers?.redisUrl])) ? { peers } : {}),
  };
}

async function allAccept(urls: readonly (string | undefined)[]): Promise<boolean> {
  const known = urls.filter((url) => url !== undefined);
  const open = await Promise.all(known.map((url) => accepts(Number(new URL(url).port))));
  return known.length === urls.length && open.every(Boolean);
}

const missing = "not running; npm run services -- start adds it";

function report(what: string, state: ServicesState): void {
  console.log(`Test services ${what}.`);
  console.log(`  PostgreSQL  ${state.postgresUrl}`);
  console.log(`  pgBouncer   ${state.pgbouncerUrl} (transaction mode)`);
  console.log(`  Redis       ${state.redisUrl ?? missing}`);
  console.log(`  RabbitMQ    ${state.rabbitmqUrl ?? missing}`);
  if (state.rabbitmqManagementUrl !== undefined) console.log(`              ${state.rabbitmqManagementUrl}`);
  if (state.peers === undefined) return;
  console.log(`  For benchmarks of the queue:`);
  console.log(`  PostgreSQL  ${state.peers.postgresUrl}`);
  console.log(`  Redis       ${state.peers.redisUrl}`);
}

if (command === "start") await withFolderLock(directory, start);
else if (command === "status") await status();
else if (command === "stop") await withFolderLock(directory, stop);
else {
  console.error(usage);
  process.exitCode = 2;
}
