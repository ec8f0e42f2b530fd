import {
  jobDetailSchema,
  jobSchema,
  scheduleDetailSchema,
  schedulePreviewSchema,
  scheduleRunSchema,
  scheduleSchema,
} from "@millrace/contracts";
import { waitFor } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Reply } from "./flow.ts";

let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("embedded");
});
afterAll(() => flow.stop());

const task = "upkeep.tend_database";
const post = (path: string, json: unknown = {}) => flow.send("POST", `/api/schedules${path}`, { json });
const detail = (id: string) => flow.get(`/api/schedules/${encodeURIComponent(id)}`, scheduleDetailSchema);
const pointers = (reply: Reply): unknown =>
  (reply.body as { errors?: { pointer: string }[] }).errors?.map(({ pointer }) => pointer);

describe("a schedule over HTTP", () => {
  it("is made, and tells its next ten times", async () => {
    const reply = await post("", { name: "at nine", task, cron: "0 9 * * *", timezone: "Europe/Berlin" });

    expect(reply.status).toBe(201);
    const made = scheduleSchema.parse(reply.body);
    expect(reply.headers.get("location")).toBe(`/api/schedules/${made.id}`);
    expect(made).toMatchObject({ kind: "cron", state: "active", source: "person", created_by: "local" });
    const { next_runs: next } = await detail("at nine");
    expect(next).toHaveLength(10);
    expect(next[0]).toBe(made.next_at);
  });

  it("of a name that is taken is refused", async () => {
    expect(
      await post("", { name: "at nine", task, every_seconds: 60 }).then((reply) => [
        reply.status,
        codeOf(reply),
      ]),
    ).toEqual([409, "schedule_name_taken"]);
  });

  it.each([
    [{ cron: "61 * * * *" }, ["/cron"]],
    [{ every_seconds: 60, timezone: "Mars/Olympus" }, ["/timezone"]],
    [{ every_seconds: 60, task: "no.such_task" }, ["/task"]],
    [{ every_seconds: 60, input: { nothing: "of this" } }, ["/input"]],
    [{}, ["/cron"]],
    [{ every_seconds: 60, colour: "red" }, ["/colour"]],
    [{ every_seconds: 0 }, ["/every_seconds"]],
    [{ at: "2020-01-01T00:00:00Z" }, ["/at"]],
  ])("of %j is refused, naming %j", async (fields, expected) => {
    const reply = await post("", { name: "wrong", task, ...fields });

    expect(reply.status).toBe(422);
    expect(pointers(reply)).toEqual(expected);
  });

  it("is changed, paused and resumed by its name", async () => {
    const path = "/api/schedules/at%20nine";
    const changed = await flow.send("PATCH", path, { json: { every_seconds: 3600 } });
    expect(changed.body).toMatchObject({ kind: "interval", cron: null, every_seconds: 3600 });
    const paused = await post("/at%20nine/pause", { reason: "holidays" });
    expect(paused.body).toMatchObject({ state: "paused", paused: { by: "local", reason: "holidays" } });
    const resumed = await post("/at%20nine/resume");
    const withoutWords = await flow.send("POST", `${path}/pause`);
    await post("/at%20nine/resume");

    expect(resumed.body).toMatchObject({ state: "active", paused: null });
    expect(withoutWords.body).toMatchObject({ state: "paused", paused: { by: "local", reason: null } });
  });

  it("runs now, and its run tells which job that was and how it went", async () => {
    const reply = await post("/at%20nine/run");
    expect(reply.status).toBe(202);
    const job = jobSchema.parse(reply.body);
    const ended = await waitFor(
      async () => {
        const [run] = (await detail("at nine")).last_runs;
        return run?.job_state === "succeeded" ? run : undefined;
      },
      { describe: "the job to succeed" },
    );

    expect(ended).toMatchObject({ job_id: job.id, is_manual: true, by: "local", outcome: "enqueued" });
    expect(await flow.get(`/api/jobs/${job.id}`, jobDetailSchema)).toMatchObject({
      task,
      meta: { schedule_name: "at nine", schedule_id: expect.any(String), scheduled_for: expect.any(String) },
    });
    expect(await flow.listAll("/api/schedules/at%20nine/runs", scheduleRunSchema)).toHaveLength(1);
  });

  it("fires every second", async () => {
    await post("", { name: "often", task, cron: "* * * * * *" });

    await waitFor(async () => (await detail("often")).total_runs >= 3, { describe: "three runs" });

    const times = (await detail("often")).last_runs.map((run) => run.scheduled_for);
    expect(new Set(times).size).toBe(times.length);
  });

  it("is deleted, and is not found then", async () => {
    expect((await flow.send("DELETE", "/api/schedules/often")).status).toBe(204);
    const reply = await flow.send("GET", "/api/schedules/often");

    expect([reply.status, codeOf(reply)]).toEqual([404, "schedule_not_found"]);
  });

  it("is shown before it is made", async () => {
    const reply = await post("/preview", { cron: "30 2 * * *", timezone: "Europe/Berlin" });

    expect(reply.status).toBe(200);
    expect(schedulePreviewSchema.parse(reply.body)).toMatchObject({ kind: "cron" });
    const refused = await post("/preview", { cron: "nonsense" });
    expect(pointers(refused)).toEqual(["/cron"]);
    expect(refused.body).toMatchObject({ detail: expect.stringContaining("preview") });
  });
});

describe("the product's own schedules", () => {
  it("are there from the start, of one queue that can be paused", async () => {
    const own = (await flow.listAll("/api/schedules", scheduleSchema)).filter(
      ({ source }) => source === "product",
    );

    expect(own.map(({ name }) => name).toSorted()).toEqual([
      "Check integrity",
      "Clean up failed jobs",
      "Clean up job logs",
      "Clean up model calls",
      "Clean up runs of crews",
      "Empty the trash",
      "Remove orphaned files",
      "Tend search indexes",
      "Tend the database",
    ]);
  });

  it("can be paused and edited, which lasts over a restart, and not be deleted", async () => {
    await post("/Check%20integrity/pause", {});
    await flow.send("PATCH", "/api/schedules/Clean%20up%20failed%20jobs", {
      json: { input: { older_than_days: 1 } },
    });
    const refused = await flow.send("DELETE", "/api/schedules/Check%20integrity");
    await flow.restart();

    expect([refused.status, codeOf(refused)]).toEqual([409, "schedule_is_declared"]);
    expect(await detail("Check integrity")).toMatchObject({ state: "paused" });
    expect(await detail("Clean up failed jobs")).toMatchObject({
      is_edited: true,
      input: { older_than_days: 1 },
    });
  });

  it("find nothing wrong with a fresh installation", async () => {
    const job = jobSchema.parse((await post("/Check%20integrity/run")).body);
    await waitFor(async () => (await flow.job(job.id)).finished_at !== null, {
      describe: "the check to end",
    });

    expect((await flow.job(job.id)).output).toMatchObject({ problems: [] });
  });
});
