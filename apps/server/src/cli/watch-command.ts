import path from "node:path";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { interrupted } from "./errors.ts";
import { checkProgram } from "./watching/check-program.ts";
import { FileChanges } from "./watching/file-changes.ts";
import { startServerProcess } from "./watching/server-process.ts";
import type { ServerProcess } from "./watching/server-process.ts";

/**
 * `millrace start --watch`: a server that starts anew whenever its configuration, its tasks, its migrations
 * or a file they import change. A change that can't be used is told of, and the running server stays.
 * Ctrl-C ends both; as without `--watch`, a second one hurries and a third one does not wait.
 */
export async function watchCommand(): Promise<ExitCode> {
  const stopping = new AbortController();
  const changes = new FileChanges();
  let server: ServerProcess | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    server?.signal(signal);
    stopping.abort(interrupted());
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    // Whatever is wrong at the first start, it is told of by the server itself or here, and then waited for.
    while (!stopping.signal.aborted) {
      const check = await checkProgram(stopping.signal);
      if (stopping.signal.aborted) break;
      await changes.add(check);
      if (check.problem !== undefined) say(`${check.problem}\n${stays(server)}`);
      else server = await replace(server, stopping.signal);
      await nextChange(changes, server, stopping.signal);
    }
    return await lastExitCode(server);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    changes.close();
  }
}

/** The former one must have ended: it holds the data folder and the port. */
async function replace(
  former: ServerProcess | undefined,
  stopping: AbortSignal,
): Promise<ServerProcess | undefined> {
  former?.signal("SIGTERM");
  await former?.ended;
  return stopping.aborted ? former : startServerProcess();
}

async function nextChange(
  changes: FileChanges,
  server: ServerProcess | undefined,
  stopping: AbortSignal,
): Promise<void> {
  let isOver = false;
  void server?.ended.then((code) => {
    if (isOver || stopping.aborted) return;
    say(`The server has ended with exit code ${code ?? "none"}. It starts again with the next change.`);
  });
  try {
    const changed = await changes.next(stopping);
    const names = changed.map((file) => path.relative(process.cwd(), file));
    say(`Changed: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`);
  } catch (error) {
    if (!stopping.aborted) throw error;
  } finally {
    isOver = true;
  }
}

function stays(server: ServerProcess | undefined): string {
  return server !== undefined && server.exitCode() === undefined
    ? "The server goes on as it was, and starts anew when this is corrected."
    : "The server starts when this is corrected.";
}

async function lastExitCode(server: ServerProcess | undefined): Promise<ExitCode> {
  const code = await server?.ended;
  return code === undefined || code === 0 ? exitCodes.ok : exitCodes.failed;
}

function say(text: string): void {
  process.stderr.write(`millrace: ${text}\n`);
}
