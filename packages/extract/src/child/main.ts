/*
 * The entry of a child process: reads files one after another until its parent ends it. It knows
 * nothing of the product, holds no secrets, and may die at any moment.
 */
import { rmSync, writeFileSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { maxMessageCharacters, programGoneExitCode, progressIntervalMs } from "../limits.ts";
import { MethodFailure } from "../methods/method-failure.ts";
import { methods } from "../methods/methods.ts";
import { finishOutput } from "./finish-output.ts";
import type { FinishedOutput } from "./finish-output.ts";
import { isChildTask } from "./task.ts";
import type { ChildTask } from "./task.ts";

const folder = process.cwd();

// A signal to the whole group (Ctrl-C, a service that is stopped) is the parent's to act on: it ends us when it is done.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", leave);
// What can't be sent comes before that: of a parent that died while this process was starting, or at work.
process.on("error", leave);
// The same, for when a synchronous loop keeps the event above from arriving.
new Worker(new URL("./orphan-guard.ts", import.meta.url), {
  workerData: { parentId: Number(process.argv[2]), folder },
  // Without a small code range the thread alone reserves 540 MB of the memory ceiling.
  resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 8 },
}).unref();
// Libraries leave promises behind when a file makes them give up; the outcome is already known.
process.on("unhandledRejection", () => undefined);
process.on("message", (message) => {
  if (isChildTask(message)) void perform(message);
});
process.send?.({ type: "ready" });

async function perform(task: ChildTask): Promise<void> {
  try {
    const method = await methods[task.method]();
    const output = await method({
      path: task.path,
      folder,
      reportPages: progressReporter(task.id),
      password: task.password,
      ...(task.page === undefined ? {} : { page: task.page }),
    });
    sendResult(task, finishOutput(output, task.fileType === "text" || task.fileType === "markdown"));
  } catch (error) {
    if (isOfProgram(error)) endForProgram(error);
    process.send?.({ type: "failure", id: task.id, ...describeFailure(error) });
  }
}

function sendResult(task: ChildTask, result: FinishedOutput): void {
  const { text, ...rest } = result;
  if (text.length <= maxMessageCharacters) {
    process.send?.({ type: "result", id: task.id, text, ...rest });
    return;
  }
  writeFileSync(task.textPath, text);
  process.send?.({ type: "result", id: task.id, text: null, ...rest });
}

function progressReporter(id: number): (done: number, total: number) => void {
  let lastAt = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    const now = performance.now();
    if (now - lastAt < progressIntervalMs && done < total) return;
    lastAt = now;
    process.send?.({ type: "progress", id, done, total });
  };
}

/** A part of the program is gone, as in an upgrade in place: that says nothing of the file. */
function isOfProgram(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}

function endForProgram(error: Error): never {
  writeSync(process.stderr.fd, `${error.message}\n`);
  process.exit(programGoneExitCode);
}

/** `detail` is for the reader; what a library says is only for the log, as it may quote the text. */
function describeFailure(error: unknown): { code: string; detail: string; reason: string } {
  const reason = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300);
  if (error instanceof MethodFailure) return { code: error.code, detail: error.message, reason };
  const code = isOutOfMemory(error) ? "extraction_limit_memory" : "file_damaged";
  return { code, detail: "its content does not fit its format", reason };
}

/** An allocation that was refused is the memory limit at work. */
function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") return memoryCodes.has(error.code);
  // The engine gives its own no code.
  return error instanceof RangeError && /allocation|invalid (?:string|array)/i.test(error.message);
}

const memoryCodes: ReadonlySet<string> = new Set([
  "ERR_MEMORY_ALLOCATION_FAILED",
  "ERR_STRING_TOO_LONG",
  "ERR_BUFFER_TOO_LARGE",
  "ENOMEM",
]);

/** The parent is gone: nobody will read the result or remove this folder. */
function leave(): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Nobody is left to tell; a later start removes what is old.
  }
  process.kill(-process.pid, "SIGKILL");
}
