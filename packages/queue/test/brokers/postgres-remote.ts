import { createPostgresBroker } from "../../src/index.ts";
import type { RemoteBroker } from "./scenes.ts";

/** Short, because tests wait for them. What is given for an answer must do for a busy machine. */
const times = { lookEveryMs: 100, answerMs: 1_000, minPauseMs: 20, maxPauseMs: 100 };

export const postgresRemote: RemoteBroker = {
  // Only what listens goes through the network that tests break.
  url: (databaseUrl) => databaseUrl,
  create: ({ url, database, logger }) => createPostgresBroker({ database, listenUrl: url, logger, times }),
};
