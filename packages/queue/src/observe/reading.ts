import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

type Sample = { readonly labels: Record<string, string>; readonly value: number };

type Reading = {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly read: () => Promise<readonly Sample[]>;
};

/**
 * Registers a gauge whose values are asked for at each scrape. What can't be read in time is left out, with a
 * warning in the log.
 */
export function addReading(
  options: {
    readonly registry: Registry;
    readonly logger: Logger;
    /** Default 3000. */
    readonly readTimeoutMs?: number | undefined;
  },
  { name, help, labelNames, read }: Reading,
): void {
  const { registry, logger, readTimeoutMs = 3_000 } = options;
  let pending: Promise<readonly Sample[]> | undefined;
  // While an answer is awaited no further question is asked: scrapes must not pile up on a database that hangs.
  const readOnce = (): Promise<readonly Sample[]> =>
    (pending ??= read().finally(() => (pending = undefined)));
  const gauge = new Gauge({
    name,
    help,
    labelNames,
    registers: [],
    async collect() {
      const samples = await within(readTimeoutMs, readOnce()).catch((error: unknown) => {
        logger.warn({ err: toError(error), metric: name }, "a metric could not be read");
        return [];
      });
      // Only now: two scrapes at once must not add to each other's.
      this.reset();
      for (const { labels, value } of samples) this.set(labels, value);
    },
  });
  registry.registerMetric(gauge);
}

async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`It took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
