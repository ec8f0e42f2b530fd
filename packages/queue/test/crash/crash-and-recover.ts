/** Kills a real process at one commit, starts it again, and looks whether all is as it must be. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newId } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { findViolations } from "./invariants.ts";
import type { Death } from "./invariants.ts";
import { Receiver } from "./receiver.ts";

const program = fileURLToPath(new URL("./victim.ts", import.meta.url));
/** A launch goes through all points in about five seconds on an idle machine. */
const launchTimeoutMs = 480_000;
const maxOutputCharacters = 8_000;

export type CrashOptions = {
  /** Where the database is: `CRASH_FOLDER` or `CRASH_DATABASE_URL`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where each launch dies, one after another, as MILLRACE_CRASH_AT takes it. The next goes to the end. */
  readonly points: readonly string[];
  /** Whether a second worker lives on through the crash. Default false. */
  readonly hasSurvivor?: boolean;
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
    const survivor = hasSurvivor ? this.#launch("survivor", { CRASH_ROLE: "survivor" }) : undefined;
    if (survivor !== undefined) await this.#untilHello(survivor);
    const deaths: Death[] = [];
    for (const [index, point] of points.entries()) {
      deaths.push(
        await this.#untilDeath(this.#launch(`launch ${index + 1}`, { MILLRACE_CRASH_AT: point }), point),
      );
      // The survivor's children may go on: it runs what the dead one has left.
      const alive = survivor?.child.pid;
      await waitFor(() => this.#processes().every((pid) => pid === alive || parentOf(pid) === alive), {
        describe: "the children of the dead process to end",
      });
    }

    const violations: string[] = [];
    this.#receiver.onRest = async () => {
      if (survivor !== undefined) violations.push(...(await this.#stop(survivor)));
    };
    const last = this.#launch("last launch", {});
    const { code, signal } = await this.#untilExit(last);
    if (code !== 0)
      throw new Error(`The last launch ended with ${code ?? signal}. It wrote:\n${last.output()}`);
    violations.push(...this.#findDebris());
    const { facts, calls, launches, acknowledged } = this.#receiver;
    if (facts === undefined) throw new Error("The last launch told nothing of the database.");
    return [...violations, ...findViolations({ facts, calls, launches, acknowledged, deaths })];
  }

  #launch(name: string, environment: Readonly<Record<string, string>>): Launched {
    const child = spawn(process.execPath, [program], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        TMPDIR: this.#temporary,
        CRASH_MARK: this.#mark,
        CRASH_LAUNCH: name,
        CRASH_RECEIVER: this.#receiverUrl,
        ...this.#options.environment,
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

  /** I7, outside of the database. */
  #findDebris(): string[] {
    const processes = this.#processes().map((pid) => `process ${pid} is still there`);
    const files = readdirSync(this.#temporary).map((file) => `the temporary file ${file} is still there`);
    const folder = this.#options.environment["CRASH_FOLDER"];
    const expected = new Set(["database", "lock.sqlite"]);
    const inFolder = folder === undefined ? [] : readdirSync(folder).filter((file) => !expected.has(file));
    return [...processes, ...files, ...inFolder.map((file) => `${file} is still in the data folder`)];
  }

  /** All processes that come of this run, children of children too. */
  #processes(): number[] {
    if (!existsSync("/proc/self/environ")) {
      return this.#launched.flatMap(({ child }) =>
        hasEnded(child) || child.pid === undefined ? [] : [child.pid],
      );
    }
    return readdirSync("/proc").flatMap((name) => {
      const isOurs = /^\d+$/.test(name) && environmentOf(name).includes(`CRASH_MARK=${this.#mark}`);
      return isOurs ? [Number(name)] : [];
    });
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    // It has ended, or is another user's.
    return "";
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
