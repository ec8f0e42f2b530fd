import { ensureDebianRoot } from "./services/debian-root.ts";
import { processesInRoot, stopProcessesInRoot } from "./services/root-processes.ts";
import { accepts, startServices } from "./services/start.ts";
import { readState, servicesDirectory, writeState } from "./services/state.ts";
import type { ServicesState } from "./services/state.ts";
import { join } from "node:path";

const usage = `Usage: npm run services -- start | status | stop

PostgreSQL 17 with pgvector and pgBouncer for tests, in a private Debian root under .services
(MILLRACE_SERVICES_DIR moves it). Needs Debian and the root user; the first start installs them.`;

const directory = servicesDirectory();
const root = join(directory, "root");

async function start(): Promise<void> {
  const startedAt = performance.now();
  const known = await runningState();
  if (known !== undefined) {
    report("already running", known);
    return;
  }
  // Half of an earlier run may be left, for example pgBouncer without PostgreSQL. Begin from nothing.
  await stopProcessesInRoot(root);
  await writeState(directory, undefined);
  await ensureDebianRoot(directory);
  try {
    const state = await startServices(directory, root);
    await writeState(directory, state);
    report(`started in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`, state);
  } catch (error) {
    await stopProcessesInRoot(root);
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
  const open = await Promise.all(
    [known.postgresUrl, known.pgbouncerUrl].map((url) => accepts(Number(new URL(url).port))),
  );
  return open.every(Boolean) ? known : undefined;
}

function report(what: string, state: ServicesState): void {
  console.log(`Test services ${what}.`);
  console.log(`  PostgreSQL  ${state.postgresUrl}`);
  console.log(`  pgBouncer   ${state.pgbouncerUrl} (transaction mode)`);
}

const command = process.argv[2];
if (command === "start") await start();
else if (command === "status") await status();
else if (command === "stop") await stop();
else {
  console.error(usage);
  process.exitCode = 2;
}
