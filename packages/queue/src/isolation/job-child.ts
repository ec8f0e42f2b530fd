import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { serveRelay } from "@millrace/database";
import type { RelayToParent } from "@millrace/database";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { AttemptStop } from "../worker/attempt-stop.ts";
import type { ExecuteParts } from "../worker/execution.ts";
import { HeapMessageFinder } from "./heap-message-finder.ts";
import { uncaughtExitCode } from "./messages.ts";
import type { FromJobChild, JobDone, ToJobChild } from "./messages.ts";
import { readResidentBytes } from "./resident-memory.ts";
import { WatchedRun } from "./watched-run.ts";
import type { RunLimits } from "./watched-run.ts";

/** Loading models can take this long on a starved machine. Longer means that it hangs. */
const startTimeoutMs = 60_000;
/** A child that was told to end closes what it has open. Jobs are not waited for: it has none. */
const endGraceMs = 5_000;
/** What it left to read on its standard error is short; a process it started may keep that open for ever. */
const closeAfterExitMs = 1_000;

/** How one job went in a child, as its parent saw it. */
export type ChildRun =
  | JobDone
  /** The child ended, or was ended, before it took the job: none of the job's doing. */
  | { readonly kind: "not_started"; readonly ended: string }
  | {
      readonly kind: "out_of_memory" | "died";
      readonly ended: string;
      /** Whether other jobs had been in the child: then what they left behind may be the reason. */
      readonly wasShared: boolean;
    };

/**
 * A child process that runs jobs, one at a time, with this process's database. It leads a process
 * group of its own, which is killed with it. No method rejects.
 */
export class JobChild {
  readonly heapMegabytes: number;
  readonly #parts: ExecuteParts;
  readonly #process: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone: Promise<string>;
  #heapMessage = new HeapMessageFinder();
  readonly #toDatabase: ((message: RelayToParent) => void)[] = [];
  #run: WatchedRun | undefined;
  #isGone = false;
  #jobsServed = 0;
  #bytesAfterFirst = 0;
  #bytesAfterLast = 0;

  /** Throws when the machine has no process left to give. */
  constructor(parts: ExecuteParts, options: { readonly entry: URL; readonly heapMegabytes: number }) {
    this.heapMegabytes = options.heapMegabytes;
    this.#parts = parts;
    this.#process = fork(options.entry, {
      execArgv: [...process.execArgv, `--max-old-space-size=${options.heapMegabytes}`],
      // Structured clone, so that dates and undefined go through as they are.
      serialization: "advanced",
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      // A Ctrl-C in the terminal is for the worker, which then tells its jobs what to do. And what
      // the job starts is in the same group, so that it ends with it.
      detached: true,
    });
    this.#gone = this.#follow();
  }

  get jobsServed(): number {
    return this.#jobsServed;
  }

  /** Resolves when the process and its group are gone, with how it ended. */
  get gone(): Promise<string> {
    return this.#gone;
  }

  /** What it occupied after its last job, and how much of that it did not after its first; in bytes. */
  get memory(): { readonly bytes: number; readonly grownBytes: number } {
    return { bytes: this.#bytesAfterLast, grownBytes: this.#bytesAfterLast - this.#bytesAfterFirst };
  }

  /** False when it ended before it could take a job. It is killed when the signal aborts, or after a minute. */
  async becomesReady(signal: AbortSignal): Promise<boolean> {
    const kill = (): void => this.#signalGroup();
    const timer = setTimeout(kill, startTimeoutMs);
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    try {
      return await Promise.race([this.#ready.promise.then(() => true), this.#gone.then(() => false)]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    }
  }

  /** Runs one job under the limits. After anything but `done` the process is gone. */
  async run(job: ClaimedJob, attempt: AttemptStop, limits: RunLimits): Promise<ChildRun> {
    this.#heapMessage = new HeapMessageFinder();
    // First of all: a stop that was there before must reach the child after it.
    this.#send({ kind: "run", job });
    const run = new WatchedRun(attempt, limits, {
      kill: () => this.#signalGroup(),
      sendStop: (reason) => this.#send({ kind: "stop", reason }),
      readBytes: () => (this.#process.pid === undefined ? undefined : readResidentBytes(this.#process.pid)),
    });
    this.#run = run;
    const ended = await Promise.race([run.done, this.#gone]);
    run.stopWatching();
    this.#run = undefined;
    if (typeof ended !== "string") {
      this.#countJob(ended.residentBytes);
      return ended;
    }
    if (!run.isStarted || run.killedFor === "silence") return { kind: "not_started", ended };
    const isHeapFull = ended === "SIGABRT" && this.#heapMessage.isFound;
    const kind = run.killedFor === "memory" || isHeapFull ? "out_of_memory" : "died";
    return { kind, ended, wasShared: this.#jobsServed > 0 };
  }

  /** Lets this process end while the child idles; `hold` reverses it. */
  release(): void {
    this.#process.unref();
    this.#process.channel?.unref();
    unrefStream(this.#process.stderr);
  }

  hold(): void {
    this.#process.ref();
    this.#process.channel?.ref();
  }

  /** Ends a child that has no job: it may close what it has open, and is killed when that takes too long. */
  async end(): Promise<void> {
    this.hold();
    this.#send({ kind: "end" });
    const timer = setTimeout(() => this.#signalGroup(), endGraceMs);
    await this.#gone;
    clearTimeout(timer);
  }

  /** Kills the child and what it started. */
  async kill(): Promise<void> {
    this.#signalGroup();
    await this.#gone;
  }

  #countJob(residentBytes: number): void {
    this.#jobsServed++;
    if (this.#jobsServed === 1) this.#bytesAfterFirst = residentBytes;
    this.#bytesAfterLast = residentBytes;
  }

  #signalGroup(): void {
    const { pid } = this.#process;
    // Later the number may be another's.
    if (pid === undefined || this.#isGone) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing of the group is left, or the system knows no groups.
      this.#process.kill("SIGKILL");
    }
  }

  #send(message: ToJobChild): void {
    // It may be dying: its exit tells the rest, and without a callback the failure would be ours.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  async #follow(): Promise<string> {
    const endRelay = serveRelay(this.#parts.database, {
      send: (message) => this.#send({ kind: "database", message }),
      onMessage: (listener) => void this.#toDatabase.push(listener),
    });
    this.#process.on("message", (message: FromJobChild) => this.#receive(message));
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.#heapMessage.read(chunk);
      process.stderr.write(chunk);
    });
    const ended = await this.#untilClosed();
    this.#isGone = true;
    await endRelay();
    return ended;
  }

  #untilClosed(): Promise<string> {
    const child = this.#process;
    return new Promise((resolve) => {
      child.on("error", (error) => {
        // One that runs may also have failed to get a message or a signal, because it is dying.
        if (child.pid === undefined) resolve(error.message);
      });
      child.once("exit", (code, signal) => {
        // Whatever it has started shares its group; asked right at the exit, the id is still its own.
        this.#signalGroup();
        const finish = (): void => resolve(describeExit(code, signal));
        // What waits to be read is read between the two.
        const timer = setTimeout(() => setImmediate(finish), closeAfterExitMs);
        // Later than "exit": everything it said has arrived.
        child.once("close", () => {
          clearTimeout(timer);
          finish();
        });
      });
    });
  }

  #receive(message: FromJobChild): void {
    const { bus, broker } = this.#parts;
    switch (message.kind) {
      case "ready":
        return this.#ready.resolve();
      case "started":
        return this.#run?.started();
      case "ran":
        return this.#run?.ran();
      case "done":
        return this.#run?.finish(message);
      case "database":
        for (const listener of this.#toDatabase) listener(message.message);
        return;
      case "events":
        return bus.publishEvents(message.events);
      case "notice":
        return bus.publishNotice(message.notice);
      case "transition":
        return bus.publishTransition(message.transition);
      case "announce":
        return broker.announce(message.hint);
    }
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === uncaughtExitCode) return "an error that nothing caught; the server's log has it";
  return signal ?? `exit code ${code}`;
}

/** Standard error of a child is a pipe, which only as a socket can be left waiting without keeping us. */
function unrefStream(stream: ChildProcess["stderr"]): void {
  if (stream instanceof Socket) stream.unref();
}
