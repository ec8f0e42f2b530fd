import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { detectTestEnvironment, excludedTestFiles, testVariables } from "./scripts/test-environment.ts";

/**
 * unit: pure logic beside the source. integration: files, databases, sockets and child processes.
 * e2e: the real server and a real browser. What this machine lacks is left out by file name, also
 * when vitest is called directly; `npm test` says what that was.
 */
export default defineConfig(async () => {
  const environment = await detectTestEnvironment();
  // What takes minutes and of which the gate has the most likely in another file: the same flow on the other database.
  const byNight = process.env.MILLRACE_NIGHTLY === "1" ? [] : ["**/*.nightly.*.ts"];
  const exclude = ["**/node_modules/**", "**/dist/**", ...byNight, ...excludedTestFiles(environment)];
  // Tests start hundreds of processes, each of which would strip the types of the same files.
  const compileCache = join(import.meta.dirname, "apps/server/node_modules/.cache/compiled");
  // On a busy machine the last step of a wait can take long; one that fails fails whatever it is given.
  const expect = { poll: { timeout: 30_000 } };
  const env = { ...(await testVariables(environment)), NODE_COMPILE_CACHE: compileCache };
  const maxWorkers = 3;
  return {
    test: {
      projects: [
        {
          test: {
            name: "unit",
            include: [
              "packages/*/src/**/*.test.ts",
              "apps/*/src/**/*.test.{ts,tsx}",
              "scripts/**/*.test.ts",
              "bench/**/*.test.ts",
              "chaos/*/**/*.test.ts",
            ],
            exclude,
            env,
            expect,
            pool: "threads",
            maxWorkers,
            testTimeout: 20_000,
            // The planted violations run compilers in their hooks, which takes long on a busy machine.
            hookTimeout: 60_000,
          },
        },
        {
          test: {
            name: "integration",
            include: ["packages/*/test/**/*.test.ts", "apps/server/test/**/*.test.ts", "chaos/*.test.ts"],
            exclude,
            env,
            expect,
            // Each file gets its own process: embedded databases, workers and signals don't mix. Three at a
            // time on two cores, since tests of processes wait for a third of their time.
            pool: "forks",
            maxWorkers,
            // What waits for something has its own ceiling; this one is for a machine that is busy with much else.
            testTimeout: 120_000,
            hookTimeout: 180_000,
            teardownTimeout: 30_000,
          },
        },
        {
          test: {
            name: "e2e",
            include: ["apps/server/e2e/**/*.test.ts"],
            exclude,
            env,
            expect,
            pool: "forks",
            maxWorkers,
            testTimeout: 120_000,
            hookTimeout: 180_000,
            teardownTimeout: 30_000,
          },
        },
      ],
      passWithNoTests: false,
    },
  };
});
