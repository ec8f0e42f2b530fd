import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { runProgram } from "../../scripts/run-program.ts";
import { freePort } from "../../scripts/services/start.ts";
import { signalProcess } from "./own-processes.ts";

export type Role = "api" | "worker";

export type MemberOptions = {
  readonly name: string;
  readonly role: Role;
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Told when it ended and nobody had asked for it, with what it printed last. */
  readonly onUnexpectedEnd: (name: string, output: string) => void;
};

const program = join(import.meta.dirname, "../program");
const main = join(import.meta.dirname, "../../apps/server/src/main.ts");
const restartPauseMs = 500;
/** Long, for a machine that is busy with other things: a process that stayed down would be no fault of the product. */
const readyTimeoutMs = 300_000;

/** Makes the product's tables and those of the program in an empty database. */
export async function migrateProduct(environment: Readonly<Record<string, string>>): Promise<void> {
  const { exitCode, output } = await runProgram(process.execPath, [main, "migrate"], {
    workingDirectory: program,
    environment,
    timeoutMs: 60_000,
  });
  if (exitCode !== 0) throw new Error(`The tables could not be made:\n${output.slice(-2000)}`);
}

/** A process of the product under a supervisor: when it ends it is started again, unless we hold it down. */
export class Member {
  readonly name: string;
  readonly role: Role;
  readonly #options: MemberOptions;
  #port = 0;
  #running: RunningMillrace | undefined;
  #isHeldDown = true;
  #isFrozen = false;
  #rising: Promise<void> | undefined;
  #output = "";
  #extra: Readonly<Record<string, string>> = {};
  #era = 0;
  #killedMs: number | undefined;

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.role = options.role;
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get processId(): number | undefined {
    return this.#running?.process.pid;
  }

  /** When it was last gone without a word. */
  get killedMs(): number | undefined {
    return this.#killedMs;
  }

  /** Whether it can be expected to answer. */
  get isUp(): boolean {
    return this.#running !== undefined && !this.#isFrozen;
  }

  /** Another number after each start, stop and standstill. */
  get era(): number {
    return this.#era;
  }

  /** What it printed since the run began, at most the last 200,000 characters. */
  get output(): string {
    return this.#output + (this.#running?.output() ?? "");
  }

  /** Starts it if it is down; resolves when it is ready. `extra` settings hold until the next start. */
  async start(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#isHeldDown = false;
    this.#extra = extra;
    await this.#rise();
  }

  /** Without a word, and not started again before `start`. */
  async kill9(): Promise<void> {
    this.#isHeldDown = true;
    this.#era++;
    this.#isFrozen = false;
    // One that is just being started can't be killed yet.
    await this.#rising?.catch(() => undefined);
    await this.#running?.kill9();
    this.#killedMs = Date.now();
  }

  /** Asked to stop, and not started again before `start`. Gives its exit code. */
  async stop(): Promise<number | null | undefined> {
    this.#isHeldDown = true;
    this.#era++;
    await this.#rising?.catch(() => undefined);
    return await this.#running?.stop();
  }

  /** Stands still, and keeps its connections. */
  freeze(): void {
    this.#isFrozen = true;
    this.#era++;
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#era++;
    this.#signal("SIGCONT");
  }

  #signal(signal: NodeJS.Signals): void {
    const id = this.#running?.process.pid;
    if (id !== undefined) signalProcess(id, signal);
  }

  #rise(): Promise<void> {
    this.#rising ??= this.#launch().finally(() => (this.#rising = undefined));
    return this.#rising;
  }

  async #launch(): Promise<void> {
    if (this.#running !== undefined) return;
    if (this.#port === 0) this.#port = await freePort(0);
    const { dataDirectory, environment, name, role } = this.#options;
    const running = await startMillrace({
      dataDirectory,
      workingDirectory: program,
      commandArguments: [role],
      readyTimeoutMs,
      environment: {
        ...environment,
        WORKER_NAME: name,
        ...portSetting(role, this.#port),
        ...this.#extra,
      },
    });
    this.#running = running;
    this.#era++;
    running.process.once("exit", () => this.#onEnd(running));
  }

  #onEnd(running: RunningMillrace): void {
    this.#output = (this.#output + running.output()).slice(-200_000);
    this.#running = undefined;
    if (this.#isHeldDown) return;
    this.#options.onUnexpectedEnd(this.name, running.output().slice(-2000));
    void this.#restart();
  }

  /** As often as needed: what it lacks may be away for a while. */
  async #restart(): Promise<void> {
    while (!this.#isHeldDown && this.#running === undefined) {
      await delay(restartPauseMs);
      await this.#rise().catch(() => undefined);
    }
  }
}

function portSetting(role: Role, port: number): Record<string, string> {
  return role === "api" ? { PORT: String(port) } : { HEALTH_PORT: String(port) };
}
