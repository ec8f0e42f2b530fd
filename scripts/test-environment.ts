import { existsSync } from "node:fs";
import { accepts } from "./services/start.ts";
import { readState, servicesDirectory } from "./services/state.ts";

/** What a test file may need beyond Node. Its name says so; see `needsOf`. */
export type Requirement = "postgres" | "pgbouncer" | "chromium";

export const requirements: readonly Requirement[] = ["postgres", "pgbouncer", "chromium"];

/** Where each requirement is found on this machine; undefined when it is absent. */
export type TestEnvironment = Readonly<Record<Requirement, string | undefined>>;

const environmentVariables: Readonly<Record<Requirement, string>> = {
  postgres: "MILLRACE_TEST_DATABASE_URL",
  pgbouncer: "MILLRACE_TEST_PGBOUNCER_URL",
  chromium: "CHROMIUM_PATH",
};

const chromiumPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * Looks for PostgreSQL (a given URL, else the started test services), pgBouncer and Chromium.
 * A URL or path that was given but leads nowhere throws: a typing error must not drop tests.
 */
export async function detectTestEnvironment(): Promise<TestEnvironment> {
  const state = await readState(servicesDirectory());
  return {
    postgres: await database("postgres", state?.postgresUrl),
    pgbouncer: await database("pgbouncer", state?.pgbouncerUrl),
    chromium: chromium(),
  };
}

/**
 * The requirements that a test file states by its name: `*.postgres.test.ts`, `*.pgbouncer.test.ts`
 * (which includes PostgreSQL), and everything in an `e2e` folder needs Chromium.
 */
export function needsOf(path: string): readonly Requirement[] {
  const browser: readonly Requirement[] = /(^|\/)e2e\//.test(path) ? ["chromium"] : [];
  if (path.endsWith(".pgbouncer.test.ts")) return ["postgres", "pgbouncer", ...browser];
  if (path.endsWith(".postgres.test.ts")) return ["postgres", ...browser];
  return browser;
}

/** Patterns of the test files that can't run here: left out, rather than skipped and counted. */
export function excludedTestFiles(environment: TestEnvironment): string[] {
  const patterns: Readonly<Record<Requirement, readonly string[]>> = {
    postgres: ["**/*.postgres.test.ts", "**/*.pgbouncer.test.ts"],
    pgbouncer: ["**/*.pgbouncer.test.ts"],
    chromium: ["**/e2e/**/*.test.ts"],
  };
  return requirements.flatMap((name) => (environment[name] === undefined ? patterns[name] : []));
}

/** The variables under which test processes find what was detected. */
export function testVariables(environment: TestEnvironment): Record<string, string> {
  return Object.fromEntries(
    requirements.flatMap((name) => {
      const found = environment[name];
      return found === undefined ? [] : [[environmentVariables[name], found]];
    }),
  );
}

async function database(name: Requirement, started: string | undefined): Promise<string | undefined> {
  const variable = environmentVariables[name];
  const given = process.env[variable];
  const url = given === undefined || given === "" ? started : given;
  if (url === undefined) return undefined;
  const { hostname, port } = new URL(url);
  if (await accepts(Number(port === "" ? 5432 : port), hostname)) return url;
  if (url !== given) return undefined; // The services were stopped or killed since they wrote their state.
  throw new Error(`${variable} is set, but nothing answers at ${hostname}:${port}.`);
}

function chromium(): string | undefined {
  const variable = environmentVariables.chromium;
  const given = process.env[variable];
  if (given === undefined || given === "") return chromiumPaths.find((path) => existsSync(path));
  if (existsSync(given)) return given;
  throw new Error(`${variable} is set, but there is no file ${given}.`);
}
