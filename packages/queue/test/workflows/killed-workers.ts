import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { readLines } from "@millrace/testing";

const program = fileURLToPath(new URL("./chord-worker-child.ts", import.meta.url));

/** Workers that are killed each time they have run so many members, and started again. */
export class KilledWorkers {
  readonly #target: readonly [kind: string, where: string];
  readonly #random: () => number;
  readonly #loops: Promise<void>[] = [];
  #child = new Set<ChildProcess>();
  #isOver = false;
  deaths = 0;

  constructor(target: readonly [kind: string, where: string], seed: number) {
    this.#target = target;
    this.#random = randomNumbers(seed);
  }

  start(count: number, maxDeaths: number): void {
    for (let nth = 0; nth < count; nth++) this.#loops.push(this.#loop(maxDeaths));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const child of this.#child) child.kill("SIGKILL");
    await Promise.all(this.#loops);
  }

  async #loop(maxDeaths: number): Promise<void> {
    while (!this.#isOver) {
      const child = spawn(process.execPath, [program, ...this.#target], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      this.#child.add(child);
      const ended = once(child, "exit");
      let left = 1 + Math.floor(this.#random() * 60);
      void (async () => {
        for await (const _line of readLines(child)) {
          if (--left !== 0 || this.deaths >= maxDeaths) continue;
          this.deaths++;
          child.kill("SIGKILL");
        }
      })();
      await ended;
      this.#child.delete(child);
    }
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  // The generator of Park and Miller, 1988.
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
