import { ensureDebianRoot, ensurePeerPackages } from "./services/debian-root.ts";
import { processesInRoot, stopProcessesInRoot } from "./services/root-processes.ts";
import { isPeerProcess, startPeers } from "./services/start-peers.ts";
import { accepts, startServices } from "./services/start.ts";
import { readState, servicesDirectory, writeState } from "./services/state.ts";
import type { PeersState, ServicesState } from "./services/state.ts";
import { join } from "node:path";

const usage = `Usage: npm run services -- start [--peers] | status | stop

PostgreSQL 17 with pgvector and pgBouncer for tests, in a private Debian root under .services
(MILLRACE_SERVICES_DIR moves it). Needs Debian and the root user; the first start installs them.
With --peers also what the benchmarks of the queue run against: a PostgreSQL of their own, Redis,
and Celery. Services that run already stay as they are.`;

const directory = servicesDirectory();
const root = join(directory, "root");
const [command, ...flags] = process.argv.slice(2);
const withPeers = flags.includes("--peers");

async function start(): Promise<void> {
  const startedAt = performance.now();
  const known = await runningState();
  const state = known ?? (await startTestServices());
  const isComplete = !withPeers || state.peers !== undefined;
  const complete = isComplete ? state : { ...state, peers: await addPeers() };
  await writeState(directory, complete);
  const isNew = known === undefined || !isComplete;
  report(
    isNew ? `started in ${((performance.now() - startedAt) / 1000).toFixed(1)} s` : "already running",
    complete,
  );
}

async function startTestServices(): Promise<ServicesState> {
  // Half of an earlier run may be left, for example pgBouncer without PostgreSQL. Begin from nothing.
  await stopProcessesInRoot(root);
  await writeState(directory, undefined);
  await ensureDebianRoot(directory);
  try {
    const state = await startServices(directory, root);
    // Written at once: should the peers fail to start, the tests still find their services.
    await writeState(directory, state);
    return state;
  } catch (error) {
    await stopProcessesInRoot(root);
    throw error;
  }
}

async function addPeers(): Promise<PeersState> {
  await ensurePeerPackages(root);
  await stopProcessesInRoot(root, { only: isPeerProcess });
  try {
    return await startPeers(directory, root);
  } catch (error) {
    await stopProcessesInRoot(root, { only: isPeerProcess });
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
  const stopped = await stopProcessesInRoot(root);
  await writeState(directory, undefined);
  console.log(stopped === 0 ? "Test services were not running." : "Test services stopped.");
}

async function runningState(): Promise<ServicesState | undefined> {
  const known = await readState(directory);
  if (known === undefined) return undefined;
  const names = new Set((await processesInRoot(root)).map((entry) => entry.name));
  if (!names.has("postgres") || !names.has("pgbouncer")) return undefined;
  const { peers, ...tests } = known;
  if (!(await allAccept(Object.values(tests)))) return undefined;
  return peers !== undefined && (await allAccept(Object.values(peers))) ? known : tests;
}

async function allAccept(urls: readonly string[]): Promise<boolean> {
  const open = await Promise.all(urls.map((url) => accepts(Number(new URL(url).port))));
  return open.every(Boolean);
}

function report(what: string, state: ServicesState): void {
  console.log(`Test services ${what}.`);
  console.log(`  PostgreSQL  ${state.postgresUrl}`);
  console.log(`  pgBouncer   ${state.pgbouncerUrl} (transaction mode)`);
  if (state.peers === undefined) return;
  console.log(`  For benchmarks of the queue:`);
  console.log(`  PostgreSQL  ${state.peers.postgresUrl}`);
  console.log(`  Redis       ${state.peers.redisUrl}`);
}

if (command === "start") await start();
else if (command === "status") await status();
else if (command === "stop") await stop();
else {
  console.error(usage);
  process.exitCode = 2;
}
