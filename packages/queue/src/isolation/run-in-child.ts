import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { serveRelay } from "@millrace/database";
import { toError } from "@millrace/kernel";
import type { StopReason } from "@millrace/kernel";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { AttemptStop } from "../worker/attempt-stop.ts";
import type { ExecuteParts, Execution } from "../worker/execution.ts";
import type { FromJobChild, ToJobChild } from "./messages.ts";
import { recordDeath } from "./record-death.ts";

/** A child that was told to stop gets this long before it is killed; its own grace is shorter. */
const defaultKillAfterStopMs = 10_000;
/** A child ends its attempt at the hard limit by itself, unless a loop keeps it from it. */
const defaultOverrunMs = 10_000;
/**
 * Such a job killed its process before, so that memory is the likely reason: better its own process
 * ends, early and with a message, than that the machine takes the worker with it. It holds the
 * JavaScript heap only; models and files are outside of it.
 */
const maxHeapMegabytes = 1024;

export type ChildOptions = {
  readonly entry: URL;
  readonly job: ClaimedJob;
  /** How long after its hard limit a job is killed that did not end by itself. Default 10 s. */
  readonly overrunMs?: number;
  /** How long after it was told to stop. Default 10 s. */
  readonly killAfterStopMs?: number;
};

/**
 * Runs one claimed job in a process of its own, which records the end itself through this process's
 * database. When the child dies before that, this process records what became of it. When this
 * process dies, the child ends with it and nothing is counted. Never throws.
 */
export function runInChild(parts: ExecuteParts, options: ChildOptions): Execution {
  const { job } = options;
  const attempt = new AttemptStop();
  const done = run(parts, options, attempt);
  return { job, stop: (reason) => attempt.stop(reason), ran: done, done };
}

async function run(parts: ExecuteParts, options: ChildOptions, attempt: AttemptStop): Promise<void> {
  const { job } = options;
  let child: ChildProcess;
  try {
    child = start(options.entry);
  } catch (error) {
    // The machine has no process left to give.
    return await recordDeath(parts, job, { wasGivenJob: false, ended: toError(error).message }, attempt);
  }
  const knife = setKnife(parts, child, options, attempt);
  attempt.onStop((reason) => tellToStop(child, reason));
  const life = await follow(parts, child, job);
  knife.putAway();
  if (!life.isDone) await recordDeath(parts, job, life, attempt);
}

function start(entry: URL): ChildProcess {
  return fork(entry, {
    execArgv: [...process.execArgv, `--max-old-space-size=${maxHeapMegabytes}`],
    // Structured clone, so that dates and undefined go through as they are.
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A Ctrl-C in the terminal is for the worker, which then tells its jobs what to do.
    detached: true,
  });
}

function send(child: ChildProcess, message: ToJobChild): void {
  // It may be dying: its exit tells the rest, and without a callback the failure would be ours.
  if (child.connected) child.send(message, () => undefined);
}

function tellToStop(child: ChildProcess, reason: StopReason): void {
  if (reason === "lease_lost") child.kill("SIGKILL");
  else if (reason !== "timed_out") send(child, { kind: "stop", reason });
}

/** Kills a child that does not end by itself, after its hard limit or after it was told to stop. */
function setKnife(
  parts: ExecuteParts,
  child: ChildProcess,
  { job, overrunMs = defaultOverrunMs, killAfterStopMs = defaultKillAfterStopMs }: ChildOptions,
  attempt: AttemptStop,
): { readonly putAway: () => void } {
  const timers: NodeJS.Timeout[] = [];
  const kill = (): void => void child.kill("SIGKILL");
  const task = parts.registry.find(job.task, job.task_version)?.task;
  if (task !== undefined) {
    timers.push(
      setTimeout(() => {
        attempt.stop("timed_out");
        kill();
      }, task.hardLimitMs + overrunMs),
    );
  }
  attempt.onStop(() => timers.push(setTimeout(kill, killAfterStopMs)));
  return {
    putAway: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** How a child's life went, as its parent saw it. */
type Life = {
  /** It said that the end of the attempt is recorded. */
  readonly isDone: boolean;
  readonly wasGivenJob: boolean;
  readonly ended: string;
};

async function follow(parts: ExecuteParts, child: ChildProcess, job: ClaimedJob): Promise<Life> {
  const toDatabase: ((message: Extract<FromJobChild, { kind: "database" }>["message"]) => void)[] = [];
  const endRelay = serveRelay(parts.database, {
    send: (message) => send(child, { kind: "database", message }),
    onMessage: (listener) => void toDatabase.push(listener),
  });
  let isDone = false;
  let wasGivenJob = false;
  child.on("message", (message: FromJobChild) => {
    if (message.kind === "ready") {
      wasGivenJob = true;
      send(child, { kind: "run", job });
    } else if (message.kind === "database") for (const listener of toDatabase) listener(message.message);
    else if (message.kind === "events") parts.bus.publishEvents(message.events);
    else if (message.kind === "notice") parts.bus.publishNotice(message.notice);
    else if (message.kind === "announce") parts.broker.announce(message.queue);
    else {
      isDone = true;
      if (message.wasStale) parts.onStaleWrite(job);
    }
  });
  const ended = await new Promise<string>((resolve) => {
    child.on("error", (error) => {
      // One that runs may also have failed to get a message or a signal, because it is dying.
      if (child.pid === undefined) resolve(error.message);
    });
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  await endRelay();
  return { isDone, wasGivenJob, ended };
}
