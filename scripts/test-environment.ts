import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { accepts } from "./services/start.ts";
import { readState, servicesDirectory } from "./services/state.ts";

/** What a test file may need beyond Node. Its name says so; see `needsOf`. */
export type Requirement = "postgres" | "pgbouncer" | "redis" | "rabbitmq" | "chromium" | "clamd";

export const requirements: readonly Requirement[] = [
  "postgres",
  "pgbouncer",
  "redis",
  "rabbitmq",
  "chromium",
  "clamd",
];

/** Where each requirement is found on this machine; undefined when it is absent. */
export type TestEnvironment = Readonly<Record<Requirement, string | undefined>> & {
  /** RabbitMQ's management API, for tests that want a virtual host of their own. None needs it. */
  readonly rabbitmqManagement?: string | undefined;
};

const environmentVariables: Readonly<Record<Requirement, string>> = {
  postgres: "MILLRACE_TEST_DATABASE_URL",
  pgbouncer: "MILLRACE_TEST_PGBOUNCER_URL",
  redis: "MILLRACE_TEST_REDIS_URL",
  rabbitmq: "MILLRACE_TEST_RABBITMQ_URL",
  chromium: "CHROMIUM_PATH",
  clamd: "CLAMD_PATH",
};

const defaultPorts: Readonly<Record<string, number>> = {
  "postgres:": 5432,
  "postgresql:": 5432,
  "redis:": 6379,
  "amqp:": 5672,
};

// What each ending of a file's name says that the file needs.
const needsByEnding: Readonly<Record<string, readonly Requirement[]>> = {
  ".postgres.test.ts": ["postgres"],
  ".pgbouncer.test.ts": ["postgres", "pgbouncer"],
  ".redis.test.ts": ["postgres", "redis"],
  ".rabbitmq.test.ts": ["postgres", "rabbitmq"],
  ".clamd.test.ts": ["clamd"],
  ".services.test.ts": ["postgres", "pgbouncer", "redis", "rabbitmq"],
};

const managementVariable = "MILLRACE_TEST_RABBITMQ_MANAGEMENT_URL";

const chromiumPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * Looks for PostgreSQL (a given URL, else the started test services), pgBouncer, Redis, RabbitMQ and
 * Chromium. clamd has to be named: where one is installed, a profile often keeps it from files of tests.
 * A URL or path that was given but leads nowhere throws: a typing error must not drop tests.
 */
export async function detectTestEnvironment(): Promise<TestEnvironment> {
  const state = await readState(servicesDirectory());
  const rabbitmq = await server("rabbitmq", state?.rabbitmqUrl);
  const isOurs = rabbitmq !== undefined && rabbitmq === state?.rabbitmqUrl;
  return {
    postgres: await server("postgres", state?.postgresUrl),
    pgbouncer: await server("pgbouncer", state?.pgbouncerUrl),
    redis: await server("redis", state?.redisUrl),
    rabbitmq,
    rabbitmqManagement: process.env[managementVariable] ?? (isOurs ? state.rabbitmqManagementUrl : undefined),
    chromium: program("chromium", chromiumPaths),
    clamd: program("clamd"),
  };
}

/**
 * The requirements that a test file states by its name: `*.postgres.test.ts`, `*.pgbouncer.test.ts`,
 * `*.redis.test.ts` and `*.rabbitmq.test.ts` (which include PostgreSQL), `*.services.test.ts` (all four
 * servers), `*.clamd.test.ts`, and everything in an `e2e` folder needs Chromium.
 */
export function needsOf(path: string): readonly Requirement[] {
  const ending = Object.keys(needsByEnding).find((known) => path.endsWith(known));
  const servers = ending === undefined ? [] : (needsByEnding[ending] ?? []);
  return /(^|\/)e2e\//.test(path) ? [...servers, "chromium"] : servers;
}

/** Patterns of the test files that can't run here: left out, rather than skipped and counted. */
export function excludedTestFiles(environment: TestEnvironment): string[] {
  const endings = Object.entries(needsByEnding).filter(([, needs]) =>
    needs.some((name) => environment[name] === undefined),
  );
  const patterns = endings.map(([ending]) => `**/*${ending}`);
  return environment.chromium === undefined ? [...patterns, "**/e2e/**/*.test.ts"] : patterns;
}

/** The variables under which test processes find what was detected, and a fast place for their files. */
export async function testVariables(environment: TestEnvironment): Promise<Record<string, string>> {
  const found: Record<string, string | undefined> = {
    [managementVariable]: environment.rabbitmqManagement,
    TMPDIR: await memoryFolder(),
  };
  for (const name of requirements) found[environmentVariables[name]] = environment[name];
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(found)) if (value !== undefined) variables[name] = value;
  return variables;
}

/** Tests make hundreds of databases; on Linux the memory holds them, where it has room. */
async function memoryFolder(): Promise<string | undefined> {
  const folder = "/dev/shm";
  const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > 4 * 2 ** 30 ? folder : undefined;
}

async function server(name: Requirement, started: string | undefined): Promise<string | undefined> {
  const variable = environmentVariables[name];
  const given = process.env[variable];
  const url = given === undefined || given === "" ? started : given;
  if (url === undefined) return undefined;
  const { hostname, port: givenPort, protocol } = new URL(url);
  const port = givenPort === "" ? defaultPorts[protocol] : Number(givenPort);
  if (port !== undefined && (await accepts(port, hostname))) return url;
  if (url !== given) return undefined; // The services were stopped or killed since they wrote their state.
  throw new Error(`${variable} is set, but nothing answers at ${hostname}:${port}.`);
}

function program(name: Requirement, paths: readonly string[] = []): string | undefined {
  const variable = environmentVariables[name];
  const given = process.env[variable];
  if (given === undefined || given === "") return paths.find((path) => existsSync(path));
  if (existsSync(given)) return given;
  throw new Error(`${variable} is set, but there is no file ${given}.`);
}
