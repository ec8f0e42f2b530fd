/** Kills a real process at one commit, starts it again, and looks whether all is as it must be. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { findDebris, findMarked } from "./debris.ts";
import { findViolations } from "./invariants.ts";
import type { Death } from "./observed.ts";
import { Receiver } from "./receiver.ts";
import { findHeldOpen, findSessions, withApplicationName } from "./sessions.ts";
import { survivorName } from "./victim-settings.ts";

const program = fileURLToPath(new URL("./victim.ts", import.meta.url));
/** A launch goes through all points in about five seconds on an idle machine. */
const launchTimeoutMs = 480_000;
const maxOutputCharacters = 8_000;
/** A server hears at once that a process is gone, unless a statement of it runs, or waits for another's. */
const sessionsEndMs = 10_000;

export type CrashOptions = {
  /** Where the database is: `CRASH_FOLDER` or `CRASH_DATABASE_URL`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where each launch dies, one after another, as MILLRACE_CRASH_AT takes it. The next goes to the end. */
  readonly points: readonly string[];
  /** Whether a second worker lives on through the crash. Default false. */
  readonly hasSurvivor?: boolean;
  /** Of a server, where the sessions of the dead must end. */
  readonly queryable?: Queryable;
};

/**
 * Resolves with everything that is wrong in the end; with nothing when the process died at the point and
 * all went on as promised. Rejects when the point is never reached or nothing comes to rest.
 */
export async function crashAndRecover(options: CrashOptions): Promise<string[]> {
  const run = await CrashRun.open(options);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

type Launched = { readonly name: string; readonly child: ChildProcess; readonly output: () => string };
type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

class CrashRun {
  readonly #options: CrashOptions;
  readonly #receiver = new Receiver();
  readonly #receiverUrl: string;
  readonly #temporary: string;
  /** In the environment of every process that comes of this run. */
  readonly #mark = newId();
  readonly #launched: Launched[] = [];

  private constructor(
    options: CrashOptions,
    receiver: Receiver,
    at: { receiverUrl: string; temporary: string },
  ) {
    this.#options = options;
    this.#receiver = receiver;
    this.#receiverUrl = at.receiverUrl;
    this.#temporary = at.temporary;
  }

  static async open(options: CrashOptions): Promise<CrashRun> {
    const receiver = new Receiver();
    const receiverUrl = await receiver.start();
    const temporary = await mkdtemp(join(tmpdir(), "millrace-crash-temporary-"));
    return new CrashRun(options, receiver, { receiverUrl, temporary });
  }

  async close(): Promise<void> {
    for (const pid of this.#processes()) kill(pid);
    await this.#receiver.stop();
    await rm(this.#temporary, { recursive: true, force: true });
  }

  async run(): Promise<string[]> {
    const { points, hasSurvivor = false } = this.#options;
    const survivor = hasSurvivor ? this.#launch(survivorName, { CRASH_ROLE: "survivor" }) : undefined;
    if (survivor !== undefined) await this.#untilHello(survivor);
    const deaths: Death[] = [];
    const violations: string[] = [];
    for (const [index, point] of points.entries()) {
      deaths.push(
        await this.#untilDeath(this.#launch(`launch ${index + 1}`, { MILLRACE_CRASH_AT: point }), point),
      );
      // The survivor's children may go on: it runs what the dead one has left.
      const alive = survivor?.child.pid;
      await waitFor(() => this.#processes().every((pid) => pid === alive || parentOf(pid) === alive), {
        describe: "the children of the dead process to end",
      });
      violations.push(...(await this.#findSessions(`launch ${index + 1}`)));
    }

    this.#receiver.onRest = async () => {
      violations.push(...(await this.#findHidden("last launch")));
      if (survivor !== undefined) violations.push(...(await this.#stop(survivor)));
    };
    const last = this.#launch("last launch", {});
    const { code, signal } = await this.#untilExit(last);
    if (code !== 0)
      throw new Error(`The last launch ended with ${code ?? signal}. It wrote:\n${last.output()}`);
    violations.push(
      ...findDebris({
        processes: this.#processes(),
        temporary: this.#temporary,
        folder: this.#options.environment["CRASH_FOLDER"],
      }),
    );
    for (const { name } of this.#launched) violations.push(...(await this.#findSessions(name)));
    const { queryable } = this.#options;
    if (queryable !== undefined) violations.push(...(await findHeldOpen(queryable)));
    const { facts, calls, launches, acknowledged, pulses, looks, losses, crashCounts } = this.#receiver;
    if (facts === undefined) throw new Error("The last launch told nothing of the database.");
    const observed = { facts, calls, launches, acknowledged, pulses, looks, losses, crashCounts, deaths };
    return [...violations, ...findViolations(observed)];
  }

  /** Those that the server still keeps open for a launch that has ended. */
  async #findSessions(launch: string): Promise<string[]> {
    const { queryable } = this.#options;
    if (queryable === undefined) return [];
    const deadlineMs = performance.now() + sessionsEndMs;
    for (;;) {
      const left = await findSessions(queryable, this.#applicationOf(launch));
      if (left.length === 0 || performance.now() > deadlineMs) return left;
      await wait(20);
    }
  }

  /** Who can't see the sessions of one that lives sees none of one that is dead, either. */
  async #findHidden(launch: string): Promise<string[]> {
    const { queryable } = this.#options;
    if (queryable === undefined) return [];
    const sessions = await findSessions(queryable, this.#applicationOf(launch));
    return sessions.length > 0 ? [] : [`no session of the ${launch} was seen while it was at rest`];
  }

  #applicationOf(launch: string): string {
    return `${this.#mark} ${launch}`;
  }

  #launch(name: string, environment: Readonly<Record<string, string>>): Launched {
    const { CRASH_DATABASE_URL: url, ...others } = this.#options.environment;
    const child = spawn(process.execPath, [program], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        TMPDIR: this.#temporary,
        CRASH_MARK: this.#mark,
        CRASH_LAUNCH: name,
        CRASH_RECEIVER: this.#receiverUrl,
        ...others,
        ...(url === undefined
          ? {}
          : { CRASH_DATABASE_URL: withApplicationName(url, this.#applicationOf(name)) }),
        ...environment,
      },
    });
    let output = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      output = (output + chunk).slice(-maxOutputCharacters);
    });
    const launched = { name, child, output: () => output };
    this.#launched.push(launched);
    return launched;
  }

  async #untilHello({ name, child, output }: Launched): Promise<void> {
    await waitFor(() => hasEnded(child) || this.#receiver.launches.some((launch) => launch.name === name), {
      describe: `the ${name} to start`,
      timeoutMs: launchTimeoutMs,
    });
    if (hasEnded(child)) throw new Error(`The ${name} did not start. It wrote:\n${output()}`);
  }

  async #untilDeath(launched: Launched, point: string): Promise<Death> {
    const { code, signal } = await this.#untilExit(launched);
    const atMs = Date.now();
    if (signal !== "SIGKILL") {
      const how = code === 0 ? "It went through its whole script" : `It ended with ${code ?? signal}`;
      throw new Error(`The process never died at ${point}. ${how}, and wrote:\n${launched.output()}`);
    }
    const stepsInFlight = this.#receiver.calls.filter(
      ({ launch, isStep, recordedMs }) => launch === launched.name && isStep && recordedMs === undefined,
    ).length;
    return { launch: launched.name, atMs, stepsInFlight };
  }

  async #untilExit({ name, child, output }: Launched): Promise<Exit> {
    try {
      await waitFor(() => hasEnded(child), {
        describe: `the ${name} to end`,
        timeoutMs: launchTimeoutMs,
        intervalMs: 10,
      });
    } catch (error) {
      throw new Error(`The ${name} does not end. It wrote:\n${output()}`, { cause: error });
    }
    return { code: child.exitCode, signal: child.signalCode };
  }

  async #stop(survivor: Launched): Promise<string[]> {
    survivor.child.kill("SIGTERM");
    const { code, signal } = await this.#untilExit(survivor);
    return code === 0 ? [] : [`the survivor ended with ${code ?? signal} and wrote ${survivor.output()}`];
  }

  /** All processes that come of this run, children of children too. */
  #processes(): number[] {
    const alive = this.#launched.flatMap(({ child }) =>
      hasEnded(child) || child.pid === undefined ? [] : [child.pid],
    );
    return findMarked(`CRASH_MARK=${this.#mark}`) ?? alive;
  }
}

/** Undefined when it has ended. */
function parentOf(pid: number): number | undefined {
  try {
    const status = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return status === null ? undefined : Number(status[1]);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
