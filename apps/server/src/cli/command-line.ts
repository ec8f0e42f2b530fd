import { isMillraceError, toError } from "@millrace/kernel";
import { Command, CommanderError } from "commander";
import { readSettings } from "../settings.ts";
import { readVersion } from "../version.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { migrateCommand } from "./migrate-command.ts";

/** Runs one command and returns its exit code. Data goes to standard output, talk to standard error. */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = new Command("millrace")
    .description("The asynchronous AI back end: documents in, analysis out, live")
    .version(readVersion())
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stdout.write(text), writeErr: (text) => process.stderr.write(text) });
  program
    .command("start", { isDefault: true })
    .description("API, worker and upkeep in one process")
    .action(async () => {
      // Loaded when needed: other commands answer faster without a server.
      const { startCommand } = await import("./start-command.ts");
      exitCode = await startCommand(readEnvironment());
    });
  program
    .command("migrate")
    .description("Bring the database named by DATABASE_URL up to date")
    .action(async () => {
      exitCode = await migrateCommand(readEnvironment());
    });
  try {
    await program.parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

function readEnvironment() {
  try {
    process.loadEnvFile(".env");
  } catch (error) {
    // No .env file is the usual case; anything else about it should be said.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  return readSettings(process.env);
}

function reportFailure(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (isMillraceError(error)) {
    process.stderr.write(`millrace: ${error.message} (${error.code})\n`);
    if (error.code === "invalid_settings") return exitCodes.usage;
    if (error.kind === "unauthorized") return exitCodes.unauthorized;
    return error.kind === "not_found" ? exitCodes.notFound : exitCodes.failed;
  }
  process.stderr.write(`millrace: ${toError(error).stack ?? toError(error).message}\n`);
  return exitCodes.failed;
}
