import type { Logger, Service } from "@millrace/kernel";

const lookEveryMs = 2_000;
/** In a row: what one garbage collection takes back again is no reason to restart. */
const looksOver = 3;

/**
 * Watches how much memory this process holds, and calls back once when it has been more than allowed for about
 * six seconds. Without a limit it does nothing. Children are not counted: they have limits of their own.
 */
export function watchMemory(options: {
  readonly maxMegabytes: number | undefined;
  /** The name of the setting, for the log. */
  readonly setting: string;
  readonly logger: Logger;
  readonly onOver: () => void;
}): Service {
  const { maxMegabytes, setting, logger, onOver } = options;
  let timer: NodeJS.Timeout | undefined;
  let over = 0;

  const look = (limit: number): void => {
    const megabytes = Math.round(process.memoryUsage.rss() / 1024 ** 2);
    over = megabytes > limit ? over + 1 : 0;
    if (over < looksOver) return;
    clearInterval(timer);
    logger.warn({ megabytes, limit, setting }, "this process holds more memory than it may, and ends");
    onOver();
  };

  return {
    name: "memory limit",
    start: async () => {
      if (maxMegabytes === undefined || timer !== undefined) return;
      timer = setInterval(() => look(maxMegabytes), lookEveryMs);
    },
    stop: async () => clearInterval(timer),
  };
}
