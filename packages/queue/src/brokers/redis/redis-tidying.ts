import type { RedisCommands } from "./redis-commands.ts";
import { claimIdle, removeDeadConsumers } from "./redis-streams.ts";
import type { StreamEntry } from "./redis-streams.ts";
import type { RedisTimes } from "./redis-times.ts";

export type TidyingParts = {
  readonly commands: RedisCommands;
  readonly consumer: string;
  readonly streams: readonly string[];
  readonly times: RedisTimes;
  /** While false, hints of others are left to those who have room. */
  readonly hasRoom: () => boolean;
  readonly onTaken: (stream: string, entries: readonly StreamEntry[]) => void;
};

/**
 * Now and then takes over the hints of subscribers that vanished with them, and removes those that vanished
 * without. Returns what ends it.
 */
export function startTidying(parts: TidyingParts): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout;
  const later = (): void => {
    if (isOver) return;
    // Not all processes at once.
    timer = setTimeout(tidyOnce, parts.times.tidyEveryMs * (0.5 + Math.random() / 2));
  };
  const tidyOnce = (): void => {
    // Redis is away, or somebody has emptied it: next time.
    void tidy(parts)
      .catch(() => undefined)
      .finally(later);
  };
  later();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

async function tidy({ commands, consumer, streams, times, hasRoom, onTaken }: TidyingParts): Promise<void> {
  for (const stream of streams) {
    if (hasRoom()) {
      onTaken(stream, await commands.run((client) => claimIdle(client, consumer, stream, times.unsettledMs)));
    }
    await commands.run((client) => removeDeadConsumers(client, stream, times.deadMs));
  }
}
