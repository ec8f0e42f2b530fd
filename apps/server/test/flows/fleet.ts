import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { jobDetailSchema, jobSchema, workerListSchema } from "@millrace/contracts";
import type { JobDetail, Worker } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { startMillrace, testDatabases, waitFor } from "@millrace/testing";
import type { RunningMillrace, TestDatabase } from "@millrace/testing";

/** Processes of one role each on one database and one data folder, as on several machines. */
export class Fleet {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #database: TestDatabase;
  readonly #running = new Set<RunningMillrace>();

  private constructor(folder: string, database: TestDatabase, environment: Record<string, string>) {
    this.folder = folder;
    this.environment = environment;
    this.#database = database;
  }

  /** `files` stand in the working folder of every process. */
  static async open(files: Readonly<Record<string, string>>): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-fleet-"));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const database = await testDatabases()
      .find(({ name }) => name === "postgres")
      ?.open();
    if (database?.url === undefined) throw new Error("The tests of roles need a PostgreSQL server.");
    return new Fleet(folder, database, {
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: "4",
      WORKER_LEASE_SECONDS: "3",
      API_DRAIN_SECONDS: "0",
    });
  }

  /** The same database through pgBouncer. */
  get pooledUrl(): string {
    const { pgbouncerUrl } = this.#database;
    if (pgbouncerUrl === undefined) throw new Error("This test needs pgBouncer.");
    return pgbouncerUrl;
  }

  /** The database under all of them. */
  get database(): Database {
    return this.#database.database;
  }

  /** Starts a process with these words, and waits until it tells where it answers. */
  async start(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    workingDirectory = this.folder,
  ): Promise<RunningMillrace> {
    const role = words[0] === "worker" ? ["--health-port", "0"] : [];
    const started = await startMillrace({
      dataDirectory: this.folder,
      workingDirectory,
      commandArguments: [...words, ...role],
      environment: { ...this.environment, ...environment },
    });
    this.#running.add(started);
    return started;
  }

  /** Ends all that still run without a word. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.kill9()));
    await this.#database.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Adds a job of a task through a server, and returns its id. */
export async function addJob(server: { readonly url: string }, task: string): Promise<string> {
  const response = await fetch(`${server.url}/api/tasks/${task}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: {} }),
  });
  return jobSchema.parse(await response.json()).id;
}

/** The job as a server shows it. */
export async function readJob(server: { readonly url: string }, id: string): Promise<JobDetail> {
  return jobDetailSchema.parse(await (await fetch(`${server.url}/api/jobs/${id}`)).json());
}

/** The job once it looks as wanted. */
export async function jobWhen(
  server: { readonly url: string },
  id: string,
  isWanted: (job: JobDetail) => boolean,
): Promise<JobDetail> {
  const look = async (): Promise<JobDetail | undefined> => {
    const job = await readJob(server, id);
    return isWanted(job) ? job : undefined;
  };
  return await waitFor(look, { describe: `job ${id} as wanted`, timeoutMs: 45_000, intervalMs: 50 });
}

/** What the job returned, once it has succeeded. */
export async function outputOf(server: { readonly url: string }, id: string): Promise<JobDetail["output"]> {
  return (await jobWhen(server, id, ({ state }) => state === "succeeded")).output;
}

/** The workers that a server knows, as soon as they look as wanted. */
export async function workersWhen(
  server: { readonly url: string },
  isWanted: (workers: readonly Worker[]) => boolean,
): Promise<readonly Worker[]> {
  const look = async (): Promise<readonly Worker[] | undefined> => {
    const list = workerListSchema.parse(await (await fetch(`${server.url}/api/workers`)).json());
    const living = list.data.filter(({ display_state: state }) => state !== "stopped");
    return isWanted(living) ? living : undefined;
  };
  return await waitFor(look, { describe: "the workers as wanted", timeoutMs: 60_000, intervalMs: 100 });
}

/** The processes that this one has started and that have not ended; none where the system does not tell. */
export function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number) : [];
}

/** Whether a process with this id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
