import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";

/** Something that a worker does for all of them, again and again. Any number of processes may at once. */
export type Chore = {
  readonly name: string;
  /** At least this long from one to the next; at most one poll longer. */
  readonly everyMs: number;
  /** For the first time this long after the start. Default `everyMs`. */
  readonly firstMs?: number;
  /** Never waits for other chores: for what must come in time, and is quick. Default false. */
  readonly isApart?: boolean;
  /** Ends soon when the signal aborts. True: there is more to do, come back at the next poll. */
  readonly run: (signal: AbortSignal) => Promise<unknown>;
};

type Options = { readonly pollMs: number; readonly chores: readonly Chore[] };

/**
 * Does chores one after another, so that they use one connection, looking every `pollMs` which are due; those
 * apart are done beside them. One that fails is logged.
 */
export function createMaintenance(parts: { readonly logger: Logger }, { pollMs, chores }: Options): Service {
  const inLine = chores.filter(({ isApart = false }) => !isApart);
  const apart = chores.filter(({ isApart = false }) => isApart);
  const lines = [inLine, ...apart.map((chore) => [chore])].map((line) =>
    createLine(parts, { pollMs, chores: line }),
  );
  return {
    name: "queue maintenance",
    start: async () => {
      for (const line of lines) line.start();
    },
    stop: async () => {
      await Promise.all(lines.map((line) => line.stop()));
    },
  };
}

type Line = { readonly start: () => void; readonly stop: () => Promise<void> };

function createLine(parts: { readonly logger: Logger }, options: Options): Line {
  const stopping = new AbortController();
  const { signal } = stopping;
  const startedMs = performance.now();
  const dueMs = new Map(options.chores.map((chore) => [chore, startedMs + (chore.firstMs ?? chore.everyMs)]));
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  // What one chore finds wrong must not keep the others from theirs.
  const attempt = async (chore: Chore): Promise<boolean> => {
    try {
      return (await chore.run(signal)) === true;
    } catch (error) {
      parts.logger.warn({ err: toError(error), chore: chore.name }, "queue maintenance failed this time");
      return false;
    }
  };

  const once = async (): Promise<void> => {
    for (const chore of options.chores) {
      if (signal.aborted) return;
      if (performance.now() < (dueMs.get(chore) ?? 0)) continue;
      const hasMore = await attempt(chore);
      dueMs.set(chore, performance.now() + (hasMore ? 0 : chore.everyMs));
    }
  };

  const schedule = (): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      turn = once().then(schedule);
    }, options.pollMs);
  };

  return {
    start: () => {
      if (timer === undefined) schedule();
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await turn;
    },
  };
}
