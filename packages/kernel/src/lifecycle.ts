import { StopError } from "./abort.ts";
import { toError } from "./errors.ts";
import type { Logger } from "./log.ts";

/**
 * Something that lives. Start twice gives the same promise, stop before start and stop twice are
 * fine, and stop resolves only when the work has ended.
 */
export type Service = {
  readonly name: string;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts services in the given order and stops them in reverse under one deadline. A service whose
 * start fails stops itself and those started before it, and the failure is thrown. Once it stops,
 * nothing stays started: a start then, or one that ends then, rejects with StopError "shutdown".
 */
export class Lifecycle {
  readonly #started: Service[] = [];
  readonly #logger: Logger;
  #stopping: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async start(service: Service): Promise<void> {
    if (this.#stopping !== undefined) throw startedWhileStopping(service);
    this.#started.push(service);
    try {
      await service.start();
      if (this.#stopping !== undefined) {
        // It was stopped before it had anything to stop.
        await service.stop();
        throw startedWhileStopping(service);
      }
    } catch (error) {
      await this.stop(10_000);
      throw error;
    }
  }

  /** Stops everything, last started first. One service's failure does not keep the others up. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stopAll(deadlineMs);
    return this.#stopping;
  }

  async #stopAll(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    for (const service of this.#started.toReversed()) {
      const leftMs = Math.max(100, deadline - performance.now());
      await withDeadline(service, leftMs).catch((error: unknown) => {
        this.#logger.error({ err: toError(error), service: service.name }, "service did not stop cleanly");
      });
    }
  }
}

function startedWhileStopping(service: Service): StopError {
  return new StopError("shutdown", `${service.name} is not started, because everything is being stopped`);
}

async function withDeadline(service: Service, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${service.name} did not stop within ${Math.round(deadlineMs)} ms`));
    }, deadlineMs);
  });
  try {
    await Promise.race([service.stop(), late]);
  } finally {
    clearTimeout(timer);
  }
}
