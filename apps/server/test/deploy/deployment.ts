import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { newId } from "@millrace/kernel";
import { testDatabases, waitFor } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { ownServices, readCompose, repository } from "./compose.ts";
import type { ComposeService } from "./compose.ts";
import { openVirtualHost } from "./virtual-host.ts";
import type { VirtualHost } from "./virtual-host.ts";
import { execForm, imageEnvironment, imageSays } from "./dockerfile.ts";

/** Longer than the program takes on a machine that is busy with other tests. */
const readyTimeoutMs = 120_000;
const image = imageEnvironment();
const [, main = "", ...mainWords] = execForm(imageSays("ENTRYPOINT"));

/** One container of ours, as a process. */
export type RunningService = {
  readonly name: string;
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Where each process in it answers, in no order: of the API, or of its health. */
  readonly urls: () => string[];
  /** The exit code of the image's health check there. */
  readonly healthCheck: (url: string) => Promise<number | null>;
  /** Sends the signal that Docker sends, and resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
};

/**
 * What deploy/compose.yaml describes, on the servers of the tests: the same commands and settings, with other
 * addresses, folders and ports, and secrets that nobody knows.
 */
export class Deployment {
  readonly secrets: Readonly<Record<string, string>>;
  readonly #database: TestDatabase;
  readonly #rabbitmq: VirtualHost;
  readonly #folder: string;
  readonly #services: [name: string, service: ComposeService][];
  readonly #running: RunningService[] = [];

  private constructor(database: TestDatabase, rabbitmq: VirtualHost, folder: string) {
    this.#rabbitmq = rabbitmq;
    this.#database = database;
    this.#folder = folder;
    const names = ["MILLRACE_TOKEN", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "RABBITMQ_PASSWORD"];
    const generated = names.map((name) => [name, newId().replaceAll("-", "")]);
    this.secrets = { ...Object.fromEntries(generated), PUBLIC_URL: "http://localhost" };
    this.#services = ownServices(readCompose(this.secrets));
  }

  /** On an empty database; with the given files, by their paths, in /workspace. */
  static async open(files: Readonly<Record<string, string>>): Promise<Deployment> {
    const database = await testDatabases()
      .find(({ name }) => name === "postgres")
      ?.open({ isMigrated: false });
    if (database === undefined) throw new Error("this test needs PostgreSQL");
    const folder = await mkdtemp(join(tmpdir(), "millrace-deploy-"));
    for (const name of ["data", "workspace"]) await mkdir(join(folder, name));
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, "workspace", name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    return new Deployment(database, await openVirtualHost(), folder);
  }

  /** Starts a service. Resolves at once; `whenReady` waits. */
  start(name: string): RunningService {
    const service = this.#services.find(([known]) => known === name)?.[1];
    if (service === undefined) throw new Error(`compose.yaml has no service ${name} of ours`);
    const child = spawn(
      process.execPath,
      [join(repository, main.replace(/^\/app\//, "")), ...mainWords, ...service.command],
      {
        cwd: join(this.#folder, imageSays("WORKDIR")),
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#environmentOf(service) },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const running = {
      name,
      process: child,
      output: () => output,
      urls: () => urlsIn(output),
      healthCheck,
      stop: () => end(child, "SIGTERM"),
    };
    this.#running.push(running);
    return running;
  }

  /** Waits until all its processes have said that they are ready. */
  async whenReady(service: RunningService, processes = 1): Promise<void> {
    const isReady = () => service.urls().length >= processes || service.process.exitCode !== null;
    await waitFor(isReady, { describe: `the start of ${service.name}`, timeoutMs: readyTimeoutMs });
    if (service.process.exitCode !== null) throw new Error(`${service.name} ended:\n${service.output()}`);
  }

  /** Ends what still runs, and removes what it worked on. */
  async close(): Promise<void> {
    await Promise.all(this.#running.map(({ process: child }) => end(child, "SIGKILL")));
    await this.#rabbitmq.close();
    await this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #environmentOf({ environment }: ComposeService): Record<string, string> {
    const own: Record<string, string> = { ...image, ...environment };
    for (const [name, value] of Object.entries(own)) own[name] = this.#mapped(name, value);
    return own;
  }

  #mapped(name: string, value: string): string {
    if (name === "HOST") return "127.0.0.1";
    if (name === "PORT" || name === "HEALTH_PORT") return "0";
    if (name === "DATA_DIR") return join(this.#folder, value);
    if (!URL.canParse(value)) return value;
    const there = this.#serverOf(new URL(value).host);
    return there ?? value;
  }

  /** Where a test finds what compose.yaml calls by this name. Passwords differ: these servers have their own. */
  #serverOf(host: string): string | undefined {
    const servers: Readonly<Record<string, string | undefined>> = {
      "postgres:5432": this.#database.url,
      "pgbouncer:6432": this.#database.pgbouncerUrl,
      "redis:6379": process.env.MILLRACE_TEST_REDIS_URL,
      "rabbitmq:5672": this.#rabbitmq.url,
    };
    if (host in servers && servers[host] === undefined) throw new Error(`this test needs ${host}`);
    return servers[host];
  }
}

function urlsIn(output: string): string[] {
  return [...output.matchAll(/(?:ready at|its health at) (http:\S+)/g)].map(([, url = ""]) => url);
}

async function healthCheck(url: string): Promise<number | null> {
  const [, ...words] = execForm(imageSays("HEALTHCHECK"));
  const env = { PATH: process.env.PATH, PORT: new URL(url).port };
  const child = spawn(process.execPath, words, { env, stdio: "ignore" });
  await once(child, "exit");
  return child.exitCode;
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
  return child.exitCode;
}
