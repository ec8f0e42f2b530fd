import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { createPostgresRelay } from "../../src/events/postgres-relay.ts";
import { relaySuite, shortTimes } from "./relay-suite.ts";

relaySuite("PostgreSQL", async () => {
  const opened = await testDatabases()
    .find(({ name }) => name === "postgres")
    ?.open({ isMigrated: false });
  if (opened?.url === undefined) throw new Error("this test needs PostgreSQL");
  const { database, url, close } = opened;
  return {
    url,
    close,
    // They are sent through the pool.
    sendingConnections: 0,
    create: async (listenUrl) =>
      createPostgresRelay({ database, listenUrl, logger: silentLogger, times: shortTimes }),
  };
});
