import { appendFileSync } from "node:fs";
import type { ModelCall } from "./behaviour.ts";

// Long chaos runs make many calls; what is older than this can still be read in the file.
const maxCallsInMemory = 20_000;

/**
 * Remembers every call, and writes one JSON line at its start and one at its end to a file if given.
 * Lines are appended at once, so the file also tells what was in flight when everything was killed.
 */
export class CallLog {
  readonly calls: ModelCall[] = [];
  readonly #path: string | undefined;
  #count = 0;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  nextNumber(): number {
    this.#count += 1;
    return this.#count;
  }

  started(call: ModelCall): void {
    this.calls.push(call);
    if (this.calls.length > maxCallsInMemory) this.calls.shift();
    this.#write("start", call.startedAt, call);
  }

  ended(call: ModelCall, outcome: "answered" | "aborted"): void {
    if (call.outcome !== "running") return;
    call.outcome = outcome;
    call.endedAt = new Date().toISOString();
    this.#write("end", call.endedAt, call);
  }

  #write(event: "start" | "end", at: string, call: ModelCall): void {
    if (this.#path === undefined) return;
    const { number, kind, step, job, purpose, behaviour, outcome, usage } = call;
    const line = { event, at, number, kind, step, job, purpose, behaviour, outcome, ...usage };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}
