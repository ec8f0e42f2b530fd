import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";

type ApiOptions = {
  readonly host?: string;
  readonly port?: number;
  readonly processes?: number;
  readonly loglevel?: string;
};
type WorkerOptions = {
  readonly queues?: string;
  readonly concurrency?: number;
  readonly name?: string;
  readonly processes?: number;
  readonly healthPort?: number;
  readonly loglevel?: string;
};

/** `millrace start|api|worker`. What the words say beats the settings. */
export function addRoleCommands(program: Command, host: CommandHost): void {
  program
    .command("start")
    .description("API, worker and upkeep in one process; what millrace alone does")
    .option("--watch", "start anew when the configuration, tasks or what they import change")
    .action(async ({ watch }: { readonly watch?: true }) => {
      // Loaded when needed, as in all commands: the others answer faster without a server.
      if (watch) {
        const { watchCommand } = await import("./watch-command.ts");
        host.finish(await watchCommand());
        return;
      }
      const { startCommand } = await import("./start-command.ts");
      await startCommand(await host.environment().settings());
    });
  program
    .command("api")
    .description("The HTTP API, its sockets and the pages, without running jobs; needs DATABASE_URL")
    .option("-H, --host <address>", "the address to listen on (HOST)")
    .option("-p, --port <port>", "the port to listen on (PORT)", portNumber)
    .option("--processes <number>", "processes on that one port (PROCESSES)", positiveInteger(64))
    .option("-l, --loglevel <level>", "how much is logged (LOG_LEVEL)")
    .action(async (options: ApiOptions) => {
      await runRole(host, "api", {
        HOST: options.host,
        PORT: options.port,
        PROCESSES: options.processes,
        LOG_LEVEL: options.loglevel?.toLowerCase(),
      });
    });
  program
    .command("worker")
    .description("Runs jobs, fires schedules and does the upkeep, without an API; needs DATABASE_URL")
    .option(
      "-Q, --queues <names>",
      "queues to take jobs from, with commas between; chat:2 keeps two slots for chat (WORKER_QUEUES)",
    )
    .option(
      "-c, --concurrency <number>",
      "jobs at once in each process (WORKER_CONCURRENCY)",
      positiveInteger(1000),
    )
    .option("-n, --name <name>", "how it calls itself; %h is the machine's name (WORKER_NAME)")
    .option(
      "--processes <number>",
      "processes, each with a number added to its name (PROCESSES)",
      positiveInteger(64),
    )
    .option("--health-port <port>", "where /livez, /readyz and /metrics answer (HEALTH_PORT)", portNumber)
    .option("-l, --loglevel <level>", "how much is logged (LOG_LEVEL)")
    .action(async (options: WorkerOptions) => {
      await runRole(host, "worker", {
        WORKER_QUEUES: options.queues?.replaceAll(/\s/g, ""),
        WORKER_CONCURRENCY: options.concurrency,
        WORKER_NAME: options.name,
        PROCESSES: options.processes,
        HEALTH_PORT: options.healthPort,
        LOG_LEVEL: options.loglevel?.toLowerCase(),
      });
    });
}

async function runRole(
  host: CommandHost,
  role: "api" | "worker",
  options: Readonly<Record<string, string | number | undefined>>,
): Promise<void> {
  const given = Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  const { roleCommand } = await import("./start-command.ts");
  await roleCommand(role, await host.environment().settings(given), given);
}

/** A port from an option; 0 takes any that is free. */
function portNumber(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65_535) {
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  }
  return port;
}
