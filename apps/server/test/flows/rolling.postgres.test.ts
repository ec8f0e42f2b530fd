import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { addJob, Fleet, outputOf, readJob } from "./fleet.ts";
import { rolesProgram } from "./roles-program.ts";

/** Processes of two versions on one database. */
let fleet: Fleet;
let api: RunningMillrace;
/** The working folder of a program that knows no task of ours. */
let oldProgram: string;

beforeAll(async () => {
  fleet = await Fleet.open(rolesProgram);
  api = await fleet.start(["api"]);
  oldProgram = await mkdtemp(join(tmpdir(), "millrace-old-"));
});
afterAll(async () => {
  await fleet.close();
  await rm(oldProgram, { recursive: true, force: true });
});

describe("an update, one process after the other", () => {
  it("lets jobs that old workers do not know wait for a new one, and says so meanwhile", async () => {
    const old = await fleet.start(["worker", "-Q", "chat"], {}, oldProgram);
    const id = await addJob(api, "roles.answer");
    const warning = await waitFor(
      async () => {
        const answer: unknown = await (await fetch(`${api.url}/readyz`)).json();
        return z
          .object({ warnings: z.array(z.string()) })
          .parse(answer)
          .warnings.find((text) => text.includes("roles.answer@1"));
      },
      { describe: "a warning of the task" },
    );
    const before = await readJob(api, id);

    const fresh = await fleet.start(["worker", "-Q", "chat"]);
    const output = await outputOf(api, id);
    await Promise.all([old.stop(), fresh.stop()]);

    expect(warning).toContain("another version");
    expect([before.state, before.attempts]).toEqual(["queued", []]);
    expect(output).toMatchObject({ pid: fresh.process.pid });
  });
});

describe("a schema that is ahead of a process", () => {
  const migrated = (isBreaking: boolean) =>
    sql`INSERT INTO schema_migration (version, name, checksum, is_breaking)
        VALUES (9999, 'from_tomorrow', '', ${isBreaking})`.execute(fleet.database.queryable);
  afterEach(() => sql`DELETE FROM schema_migration WHERE version = 9999`.execute(fleet.database.queryable));

  it("is no obstacle when what is new breaks nothing", async () => {
    await migrated(false);

    const worker = await fleet.start(["worker", "-Q", "chat"]);
    const output = await outputOf(api, await addJob(api, "roles.answer"));
    await worker.stop();

    expect(output).toMatchObject({ pid: worker.process.pid });
  });

  it("keeps a process from starting when it breaks what that one does", async () => {
    await migrated(true);

    await expect(fleet.start(["worker", "-Q", "chat"])).rejects.toMatchObject({
      message: expect.stringContaining("schema_mismatch"),
    });
  });
});
