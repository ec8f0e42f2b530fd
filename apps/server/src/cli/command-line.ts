import { Command, CommanderError } from "commander";
import { readVersion } from "../version.ts";
import { addAlarmsCommands } from "./alarms-commands.ts";
import { addAskCommand } from "./ask-command.ts";
import { addBudgetsCommands } from "./budgets-commands.ts";
import type { CommandHost } from "./command-host.ts";
import { addCollectionsCommands } from "./collections-commands.ts";
import { addControlCommands } from "./control-commands.ts";
import { addCrewCommands } from "./crew-commands.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { addDocumentsCommands } from "./documents-commands.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { addInspectCommands } from "./inspect-commands.ts";
import { addJobsCommands } from "./jobs-commands.ts";
import { addModelsCommand } from "./models-command.ts";
import { addOpenApiCommand } from "./openapi-command.ts";
import { addProcessCommand } from "./process-command.ts";
import { addQueuesCommands } from "./queues-commands.ts";
import { reportFailure } from "./report-failure.ts";
import { addRoleCommands } from "./role-commands.ts";
import { addSchedulesCommands } from "./schedules-commands.ts";
import { addSearchCommand } from "./search-command.ts";
import type { OpenServer } from "./server/open-server.ts";
import { readEnvironment } from "./settings.ts";
import { addSummariesCommands } from "./summaries-commands.ts";
import { addTasksCommands } from "./tasks-commands.ts";
import { addUsageCommand } from "./usage-commands.ts";
import { addWorkersCommands } from "./workers-commands.ts";
import { addWorkflowsCommands } from "./workflows-commands.ts";

/** Runs one command and returns its exit code. Data goes to standard output, talk to standard error. */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  process.stdout.on("error", ignoreClosedPipe);
  process.stderr.on("error", ignoreClosedPipe);
  let opened: OpenServer | undefined;
  const program = createProgram({
    environment: readEnvironment,
    server: async () => {
      const { openServer } = await import("./server/open-server.ts");
      opened = await openServer(readEnvironment());
      return opened.client;
    },
    finish: (code) => {
      exitCode = code;
    },
  });
  try {
    // Not as commander's default command: that would take a misspelt command for an argument of it.
    await program.parseAsync(words.length === 0 ? ["start"] : [...words], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    reportFailure(error);
    return exitCodeOf(error);
  } finally {
    await opened?.close();
  }
}

function createProgram(host: CommandHost): Command {
  const program = new Command("millrace")
    .description("The asynchronous AI back end: documents in, analysis out, live")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(--help says more)")
    .configureOutput({
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(text),
    });
  addRoleCommands(program, host);
  program
    .command("migrate")
    .description("Bring the database named by DATABASE_URL up to date")
    .action(async () => {
      const { migrateCommand } = await import("./migrate-command.ts");
      host.finish(await migrateCommand(await host.environment().settings()));
    });
  addProcessCommand(program, host);
  addDocumentsCommands(program, host);
  addCollectionsCommands(program, host);
  addSearchCommand(program, host);
  addAskCommand(program, host);
  addSummariesCommands(program, host);
  addJobsCommands(program, host);
  addQueuesCommands(program, host);
  addWorkersCommands(program, host);
  addInspectCommands(program, host);
  addControlCommands(program, host);
  addTasksCommands(program, host);
  addWorkflowsCommands(program, host);
  addCrewCommands(program, host);
  addSchedulesCommands(program, host);
  addAlarmsCommands(program, host);
  addUsageCommand(program, host);
  addBudgetsCommands(program, host);
  addModelsCommand(program, host);
  addDoctorCommand(program, host);
  addOpenApiCommand(program, host);
  return program;
}

/** Whoever read our output has enough, as `head` does; the work itself goes on to its end. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
