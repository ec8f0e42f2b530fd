import type { Database } from "@millrace/database";
import { sleep, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { Queue } from "@millrace/queue";
import { announceSpace, findBrokenSince } from "@millrace/search";
import { tendSearchIndexes } from "../upkeep/tasks.ts";
import { embedSpace } from "./embed-space.ts";

const everyMs = 30_000;

/**
 * Says for a process that runs jobs which embedding model its settings mean, from its start on, and sees that a job
 * fills the space that is to be filled, and that upkeep comes at once when an index was found broken. Never keeps a process from starting.
 */
export function createEmbeddingAnnouncer(parts: {
  readonly database: Database;
  readonly queue: Queue;
  readonly models: Pick<Models, "embedding">;
  readonly logger: Logger;
}): Service {
  const { logger } = parts;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await announce(parts).catch((error: unknown) =>
        logger.warn({ error: toError(error).message }, "the embedding model could not be announced"),
      );
      await sleep(everyMs, stopping.signal).catch(() => undefined);
    }
  };
  return {
    name: "embedding announcer",
    start: async () => void (running ??= run()),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function announce({ database, queue, models }: Parameters<typeof createEmbeddingAnnouncer>[0]) {
  const brokenSince = await findBrokenSince(database.queryable);
  // Once: where it can't be made anew, upkeep tries again at its time.
  if (brokenSince !== undefined)
    await queue.add(tendSearchIndexes, {}, { idempotencyKey: `broken ${brokenSince.toISOString()}` });
  const { name: model, revision, builtIn: isBuiltIn } = models.embedding;
  const space = await announceSpace(database, { model, revision, isBuiltIn });
  if (space.status === "building" && space.pausedAt === null)
    await queue.add(embedSpace, { space_id: space.id });
}
