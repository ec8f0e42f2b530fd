import { scheduleDetailSchema, scheduleSchema } from "@millrace/contracts";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand, temporaryFolder } from "./command.ts";
import type { CommandEnd } from "./command.ts";

describe("millrace schedules", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: RunningMillrace;
  beforeAll(async () => {
    folder = await temporaryFolder();
    server = await startMillrace({ dataDirectory: folder.path });
  });
  afterAll(async () => {
    await server.stop();
    await folder[Symbol.asyncDispose]();
  });

  function schedules(...words: string[]): Promise<CommandEnd> {
    return runCommand(["schedules", ...words], {
      folder: folder.path,
      environment: { DATA_DIR: folder.path },
    });
  }

  const task = "upkeep.clean_job_logs";
  const input = ["--input", '{"older_than_days":3}'];

  it("add makes one, get and ls show it by its name", async () => {
    const made = await schedules(
      "add",
      "nightly",
      task,
      ...input,
      "--cron",
      "0 2 * * *",
      "--timezone",
      "Europe/Berlin",
    );
    expect(made).toMatchObject({ code: 0, stderr: "" });

    const one = await schedules("get", "nightly", "--json");
    const list = await schedules("ls", "--source", "person");

    const detail = scheduleDetailSchema.parse(JSON.parse(one.stdout));
    expect(detail).toMatchObject({ id: made.stdout.trim(), input: { older_than_days: 3 } });
    expect(detail.next_runs).toHaveLength(10);
    expect(list.stdout).toMatch(/^nightly\t0 2 \* \* \* Europe\/Berlin\tupkeep.clean_job_logs\tactive\t/);
  });

  it("get shows people what they want to know", async () => {
    const { stdout } = await schedules("get", "nightly");

    expect(stdout).toMatch(/^When {6}0 2 \* \* \* Europe\/Berlin$/m);
    expect(stdout.match(/^Next {6}/gm)).toHaveLength(10);
  });

  it("add takes intervals in words, and says which field can't be", async () => {
    const often = await schedules(
      "add",
      "often",
      task,
      ...input,
      "--every",
      "15m",
      "--skip-overlap",
      "--json",
    );
    const wrong = await schedules("add", "wrong", task, ...input, "--cron", "61 * * * *");

    expect(scheduleSchema.parse(JSON.parse(often.stdout))).toMatchObject({
      every_seconds: 900,
      overlap: "skip",
    });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("cron");
  });

  it("run prints the id of the job, which get shows", async () => {
    const { stdout } = await schedules("run", "nightly");

    expect((await schedules("get", "nightly")).stdout).toContain(`job ${stdout.trim()}`);
  });

  it("pause and resume say how it is", async () => {
    expect((await schedules("pause", "nightly", "--reason", "holidays")).stderr).toContain(
      "nightly is paused",
    );
    expect((await schedules("get", "nightly")).stdout).toContain("paused by local: holidays");
    expect((await schedules("resume", "nightly")).stderr).toContain("nightly is active");
  });

  it("rm deletes those made by hand only, and exits with 3 when there is none", async () => {
    expect(await schedules("rm", "nightly")).toMatchObject({ code: 0 });
    expect(await schedules("rm", "nightly")).toMatchObject({ code: 3 });
    expect((await schedules("rm", "Check integrity")).stderr).toContain("Pause it instead");
  });
});
