import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { serveRelay } from "@millrace/database";
import type { StopReason } from "@millrace/kernel";
import type { ClaimedJob } from "../jobs/job-row.ts";
import { recordCrashAlone } from "../jobs/record-crash-alone.ts";
import type { ExecuteParts, Execution } from "../worker/execute-job.ts";
import type { FromJobChild, ToJobChild } from "./messages.ts";

/** A child that was told to stop gets this long before it is killed; its own grace is shorter. */
const killAfterStopMs = 10_000;

/**
 * Runs one claimed job in a process of its own, which records the end itself through this process's
 * database. When the child dies before that, the crash is certainly the job's own and is counted.
 * When this process dies, the child ends with it and nothing is counted.
 */
export function runInChild(parts: ExecuteParts, entry: URL, job: ClaimedJob): Execution {
  const child = fork(entry, {
    // Structured clone, so that dates and undefined go through as they are.
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A Ctrl-C in the terminal is for the worker, which then tells its jobs what to do.
    detached: true,
  });
  const send = (message: ToJobChild): void => void (child.connected && child.send(message));
  const done = follow(parts, child, job, send);
  let knife: NodeJS.Timeout | undefined;
  void done.finally(() => clearTimeout(knife));
  const stop = (reason: StopReason): void => {
    if (reason === "lease_lost") child.kill("SIGKILL");
    else send({ kind: "stop", reason });
    knife ??= setTimeout(() => child.kill("SIGKILL"), killAfterStopMs);
  };
  return { job, stop, done };
}

async function follow(
  parts: ExecuteParts,
  child: ChildProcess,
  job: ClaimedJob,
  send: (message: ToJobChild) => void,
): Promise<void> {
  const toDatabase: ((message: Extract<FromJobChild, { kind: "database" }>["message"]) => void)[] = [];
  const endRelay = serveRelay(parts.database, {
    send: (message) => send({ kind: "database", message }),
    onMessage: (listener) => void toDatabase.push(listener),
  });
  let isDone = false;
  child.on("message", (message: FromJobChild) => {
    if (message.kind === "ready") send({ kind: "run", job });
    else if (message.kind === "database") for (const listener of toDatabase) listener(message.message);
    else if (message.kind === "events") parts.bus.publishEvents(message.events);
    else if (message.kind === "notice") parts.bus.publishNotice(message.notice);
    else if (message.kind === "announce") parts.broker.announce(message.queue);
    else {
      isDone = true;
      if (message.wasStale) parts.onStaleWrite();
    }
  });
  const ended = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  await endRelay();
  if (isDone) return;
  parts.logger.warn({ jobId: job.id, task: job.task, ended }, "a job's own process died");
  await recordCrashAlone(parts, job, ended).catch((error: unknown) => {
    // Its lease runs out, and the reaper takes it back uncounted.
    parts.logger.error({ err: error, jobId: job.id }, "the crash of a job could not be recorded");
  });
}
