import type { ChildProcess } from "node:child_process";
import { lstat, mkdtemp, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Logger } from "@millrace/kernel";
import type { ChildTask } from "../child/task.ts";
import { extractionCrashed } from "../errors.ts";
import { childStartTimeoutMs, maxTextCharacters, memoryPollMs, programGoneExitCode } from "../limits.ts";
import { childMessageSchema } from "./child-message.ts";
import type { ChildMessage, Reading } from "./child-message.ts";
import { folderPrefix } from "./folder-name.ts";
import { readResidentBytes } from "./resident-memory.ts";
import { spawnChild } from "./spawn-child.ts";

/** How a child ended its task. `ended` means that the process is gone and nothing of it is left. */
export type TaskOutcome =
  | { readonly kind: "read"; readonly reading: Reading }
  | {
      readonly kind: "failed";
      readonly code: Extract<ChildMessage, { type: "failure" }>["code"];
      readonly detail: string;
      readonly reason: string;
    }
  | { readonly kind: "time" | "memory" | "stopped" }
  | { readonly kind: "crashed"; readonly how: string; readonly isFromOutside: boolean };

type KillReason = "time" | "memory" | "stopped";

export type ChildLimits = {
  readonly tempDirectory: string;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  /** Threads that libraries start in the child. Default none. */
  readonly threads?: number;
  /** Default: no. */
  readonly mayStartPrograms?: boolean;
  readonly logger: Logger;
};

/** Only the end of what a child prints is kept, for the log and to recognise an exhausted heap. */
const maxErrorOutputCharacters = 4_096;

/** Signals that only another process sends; a crash raises others. */
const outsideSignals: ReadonlySet<string> = new Set(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]);

/**
 * One child process and its folder. It runs one task at a time; whatever happens, its process group
 * and its folder are gone when `end` resolves.
 */
export class ExtractionChild {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #limits: ChildLimits;
  readonly #gone: Promise<void>;
  #nextTaskId = 1;
  #filesRead = 0;
  #isGone = false;
  #exit = "";
  #exitCode: number | null = null;
  #exitSignal: string | undefined;
  #errorOutput = "";
  #killReason: KillReason | undefined;
  #peakBytes = 0;
  #onMessage: ((message: ChildMessage) => void) | undefined;

  private constructor(child: ChildProcess, folder: string, limits: ChildLimits) {
    this.#process = child;
    this.#folder = folder;
    this.#limits = limits;
    child.on("message", (message) => this.#receive(message));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errorOutput = (this.#errorOutput + text).slice(-maxErrorOutputCharacters);
    });
    this.#gone = new Promise((resolve) => {
      const finish = (exit: string, signal: string | undefined): void => {
        this.#isGone = true;
        this.#exit ||= exit;
        this.#exitSignal ??= signal;
        resolve();
      };
      // Whatever it may have started shares its group; asked right at the exit, the id is still its own.
      child.once("exit", () => signalGroup(child));
      // Later than "exit": everything it printed has arrived.
      child.once("close", (code, signal) => {
        this.#exitCode = code;
        finish(signal ?? `exit code ${code}`, signal ?? undefined);
      });
      child.once("error", (error) => finish(error.message, undefined));
    });
  }

  /** Starts a child and waits until it is ready. Throws `extraction_crashed`, retryable, when it can't. */
  static async start(limits: ChildLimits): Promise<ExtractionChild> {
    const folder = await mkdtemp(join(await realpath(limits.tempDirectory), folderPrefix));
    const child = new ExtractionChild(spawnChild({ folder, ...limits }), folder, limits);
    if (await child.#becomesReady()) return child;
    await child.end();
    limits.logger.warn({ exit: child.#exit, output: child.#errorOutput }, "extraction child did not start");
    throw extractionCrashed("it did not start", true);
  }

  /** Moves a file that its last task wrote to where it outlives the child. Nothing but a file is taken. */
  async moveFile(name: string, target: string): Promise<void> {
    const path = join(this.#folder, name);
    if (!(await lstat(path)).isFile()) throw extractionCrashed("it wrote something else than a file", false);
    await rename(path, target);
  }

  get filesRead(): number {
    return this.#filesRead;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** The most memory seen during the last task, in bytes; 0 where the system does not tell. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Lets the server end while this child idles; `hold` reverses it. */
  release(): void {
    this.#process.unref();
    this.#process.channel?.unref();
    unrefStream(this.#process.stderr);
  }

  hold(): void {
    this.#process.ref();
    this.#process.channel?.ref();
  }

  /**
   * Runs one task under the limits. Resolves in every case; after any other outcome than `read` the
   * child must be ended. An abort kills it and gives `stopped`.
   */
  async run(
    task: Omit<ChildTask, "id" | "textPath">,
    signal: AbortSignal,
    onPages: (done: number, total: number) => void,
  ): Promise<TaskOutcome> {
    const id = this.#nextTaskId++;
    const textPath = join(this.#folder, `text-${id}`);
    const answered = this.#awaitAnswer(id, onPages);
    const stopWatching = this.#watch(signal);
    try {
      this.#process.send({ ...task, id, textPath }, () => undefined);
      const answer = await Promise.race([answered, this.#gone]);
      if (answer === undefined || this.#killReason !== undefined) return await this.#describeEnd();
      if (answer.type === "failure") {
        return { kind: "failed", code: answer.code, detail: answer.detail, reason: answer.reason };
      }
      return await this.#takeResult(answer, textPath);
    } finally {
      stopWatching();
      this.#onMessage = undefined;
      this.#filesRead += 1;
    }
  }

  /** Kills the process group and removes the folder. Safe to repeat. */
  async end(): Promise<void> {
    this.#kill("stopped");
    await this.#gone;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #becomesReady(): Promise<boolean> {
    const ready = new Promise<boolean>((resolve) => {
      this.#onMessage = (message) => resolve(message.type === "ready");
    });
    const timer = setTimeout(() => this.#kill("time"), childStartTimeoutMs);
    try {
      return await Promise.race([ready, this.#gone.then(() => false)]);
    } finally {
      clearTimeout(timer);
      this.#onMessage = undefined;
    }
  }

  #receive(message: unknown): void {
    const parsed = childMessageSchema.safeParse(message);
    if (parsed.success) this.#onMessage?.(parsed.data);
  }

  #awaitAnswer(
    id: number,
    onPages: (done: number, total: number) => void,
  ): Promise<Extract<ChildMessage, { type: "result" | "failure" }>> {
    return new Promise((resolve) => {
      this.#onMessage = (message) => {
        if (message.type === "ready" || message.id !== id) return;
        if (message.type === "progress") onPages(message.done, message.total);
        else resolve(message);
      };
    });
  }

  #watch(signal: AbortSignal): () => void {
    const onAbort = (): void => this.#kill("stopped");
    const timer = setTimeout(() => this.#kill("time"), this.#limits.timeoutMs);
    const poll = setInterval(() => this.#checkMemory(), memoryPollMs);
    this.#peakBytes = 0;
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    return () => {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(timer);
      clearInterval(poll);
    };
  }

  #checkMemory(): void {
    const bytes = this.#process.pid === undefined ? undefined : readResidentBytes(this.#process.pid);
    if (bytes === undefined) return;
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    if (bytes > this.#limits.memoryBytes) this.#kill("memory");
  }

  async #takeResult(
    answer: Extract<ChildMessage, { type: "result" }>,
    textPath: string,
  ): Promise<TaskOutcome> {
    const { type: _type, id: _id, text, ...rest } = answer;
    if (text !== null) return { kind: "read", reading: { ...rest, text } };
    const { size } = await stat(textPath);
    // Four bytes a character at most; more means that the child no longer does what we wrote.
    if (size > maxTextCharacters * 4)
      return { kind: "crashed", how: "result too large", isFromOutside: false };
    const stored = await readFile(textPath, "utf8");
    await rm(textPath, { force: true });
    return { kind: "read", reading: { ...rest, text: stored } };
  }

  async #describeEnd(): Promise<TaskOutcome> {
    await this.#gone;
    if (this.#killReason !== undefined) return { kind: this.#killReason };
    if (this.#looksExhausted()) return { kind: "memory" };
    this.#limits.logger.warn({ exit: this.#exit, output: this.#errorOutput }, "extraction child crashed");
    const isFromOutside =
      this.#exitCode === programGoneExitCode ||
      (this.#exitSignal !== undefined && outsideSignals.has(this.#exitSignal));
    return { kind: "crashed", how: this.#exit, isFromOutside };
  }

  /** V8 and WebAssembly abort the process when memory ends, and say so only in what they print. */
  #looksExhausted(): boolean {
    return (
      /out of memory|allocation failed|bad_alloc|cannot allocate/i.test(this.#errorOutput) ||
      (this.#exitSignal !== "SIGKILL" && this.#peakBytes > this.#limits.memoryBytes * 0.8)
    );
  }

  #kill(reason: KillReason): void {
    if (this.#isGone) return;
    this.#killReason ??= reason;
    signalGroup(this.#process);
  }
}

function signalGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    // The negative id addresses the group; without it a helper process would live on.
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone already, or the system has no groups; then the process itself is enough.
    child.kill("SIGKILL");
  }
}

function unrefStream(stream: ChildProcess["stderr"]): void {
  if (stream instanceof Socket) stream.unref();
}
