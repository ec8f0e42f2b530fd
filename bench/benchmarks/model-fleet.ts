import { startFakeModelServer } from "@millrace/testing";
import type { BehaviourScript, FakeModelServer } from "@millrace/testing";
import { withFleet } from "../processes/fleet.ts";
import type { Fleet } from "../processes/fleet.ts";
import type { Child } from "../processes/child.ts";

export type ModelFleet = Fleet & {
  readonly models: FakeModelServer;
  readonly api: Child;
};

/** An API process and a model server in this process that does what the script says; workers are the caller's to start. */
export async function withModelFleet(
  options: {
    readonly script: BehaviourScript;
    readonly environment?: Readonly<Record<string, string>>;
  },
  work: (fleet: ModelFleet) => Promise<void>,
): Promise<void> {
  const models = await startFakeModelServer({ port: 0, script: options.script });
  try {
    const environment = {
      ...{ CHAT_URL: models.url, CHAT_MODEL: "fake" },
      ...{ EMBEDDING_URL: models.url, EMBEDDING_MODEL: "fake-embedding" },
      ...options.environment,
    };
    await withFleet(environment, async (fleet) => {
      await work({ ...fleet, models, api: await fleet.role("api") });
    });
  } finally {
    await models.stop();
  }
}
