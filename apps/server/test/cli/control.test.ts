import { once } from "node:events";
import { jobSchema, logLineSchema, queueSchema, workerSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Flow } from "../flows/flow.ts";
import { toldTask } from "../flows/told-task.ts";
import { runCommand, runJson as runJsonCommand, startCommand } from "./command.ts";
import type { CommandEnd } from "./command.ts";

/** Queues, workers and jobs by command, with a server on the folder. */
let flow: Flow;
beforeAll(async () => {
  flow = await Flow.start("embedded", { WORKER_NAME: "mill", WORKER_CONCURRENCY: "4" }, toldTask.files);
});
afterAll(() => flow.stop());

const options = () => ({ folder: flow.folder, environment: { DATA_DIR: flow.folder } });
const run = (...words: string[]): Promise<CommandEnd> => runCommand(words, options());
const runJson = <Schema extends z.ZodType>(schema: Schema, ...words: string[]) =>
  runJsonCommand(schema, words, options());
const call = async (end: string, ...more: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(
    "call",
    toldTask.name,
    "--input",
    JSON.stringify({ end }),
    ...more,
  );
  expect(code, stderr).toBe(0);
  return stdout.trim();
};
const untilState = (id: string, state: string) =>
  flow.until(
    () => flow.job(id),
    (job) => job.state === state,
  );

describe("queues on the command line", () => {
  it("are listed, paused, limited, purged and resumed", async () => {
    const paused = await runJson(
      queueSchema,
      "queues",
      "pause",
      "told",
      "--reason",
      "too hot",
      "--until",
      "2h",
    );
    const limited = await runJson(queueSchema, "queues", "set", "told", "--max-running", "2");
    await call("answer");
    const list = await runJson(z.array(queueSchema), "queues", "ls");
    const wrong = await run("queues", "purge", "told", "--expected", "7", "--yes");
    const unasked = await run("purge");
    const purged = await run("purge", "-f");
    const resumed = await runJson(queueSchema, "control", "resume", "told");
    await run("queues", "set", "told", "--max-running", "none");

    expect(paused.paused).toMatchObject({ reason: "too hot", by: "local" });
    expect(limited.max_running).toBe(2);
    expect(list.find(({ name }) => name === "told")).toMatchObject({ counts: { queued: 1 }, max_running: 2 });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("purge_count_mismatch") });
    expect(unasked.code).toBe(2);
    expect(purged).toMatchObject({ code: 0, stderr: "Cancelled 1\n" });
    expect(resumed.paused).toBeNull();
  });

  it("are purged of one task, which asks with the number of its jobs", async () => {
    await run("queues", "pause", "told");
    await call("answer");
    await call("answer");
    const purge = ["queues", "purge", "told", "--task"];

    const unasked = await run(...purge, toldTask.name);
    const other = await run(...purge, "tests.other", "--yes");
    const wrong = await run(...purge, toldTask.name, "--expected", "7", "--yes");
    const purged = await run(...purge, toldTask.name, "--yes");
    await run("queues", "resume", "told");

    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toContain(`Cancel 2 jobs of ${toldTask.name} in told?`);
    expect(other).toMatchObject({ code: 0, stderr: "Cancelled 0\n" });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("purge_count_mismatch") });
    expect(purged).toMatchObject({ code: 0, stderr: "Cancelled 2\n" });
  });

  it("that there are not end with 3, and a wrong option with 2", async () => {
    expect((await run("queues", "get", "no_such")).code).toBe(3);
    expect((await run("queues", "set", "told", "--max-running", "few")).code).toBe(2);
    expect((await run("queues", "pause", "told", "--until", "soon")).code).toBe(2);
  });
});

describe("workers on the command line", () => {
  it("are listed, asked, and looked at in Celery's words", async () => {
    const id = await call("hold");
    await untilState(id, "running");

    const workers = await runJson(z.array(workerSchema), "workers", "ls");
    const status = await run("status");
    const absent = await run("status", "-d", "nobody");
    const active = await run("inspect", "active");
    const registered = await run("inspect", "registered", "-d", "mill");
    const queues = await run("inspect", "active_queues");
    const grown = await runJson(z.array(workerSchema), "control", "pool_grow", "2");
    const senseless = await run("control", "pool_grow", "many");
    const revoked = await run("revoke", id);

    expect(workers).toMatchObject([{ name: "mill", is_live: true }]);
    expect(status).toMatchObject({ code: 0, stdout: "mill\trunning\n" });
    expect(absent.code).toBe(1);
    expect(senseless).toMatchObject({ code: 2, stderr: expect.stringContaining("whole number") });
    expect(active.stdout).toContain(`mill\t${id}\t${toldTask.name}`);
    expect(registered.stdout).toContain(`mill\t${toldTask.name}@1`);
    expect(queues.stdout).toContain("mill\ttold");
    expect(grown).toMatchObject([{ wanted_concurrency: 6 }]);
    expect(revoked.code).toBe(0);
    expect((await run("workers", "drain", "nobody")).code).toBe(3);
    await untilState(id, "cancelled");
  });

  it("limit no task by a name that is misspelt, and take back the limit of one that is gone", async () => {
    const misspelt = await run("control", "rate_limit", `${toldTask.name}s`, "10/m");
    const gone = await run("control", "rate_limit", "tests.gone", "default");

    expect([misspelt.code, gone.code]).toEqual([3, 0]);
    expect(misspelt.stderr).toContain(`Did you mean ${toldTask.name}?`);
  });

  it("has one line for what is done another way", async () => {
    for (const words of ["time_limit t 1 2", "autoscale 3 10", "add_consumer q", "cancel_consumer q"]) {
      const { code, stdout, stderr } = await run("control", ...words.split(" "));

      expect([code, stdout, stderr.trim().split("\n").length], words).toEqual([2, "", 1]);
    }
  });
});

describe("jobs on the command line", () => {
  it("that failed are found by marks and retried together, after a yes", async () => {
    const ids = [await call("fail", "--tag", "harvest"), await call("fail", "--tag", "harvest")];
    for (const id of ids) await untilState(id, "failed");
    await run("queues", "pause", "told");

    const found = await runJson(
      z.array(jobSchema),
      "jobs",
      "ls",
      "--tag",
      "harvest",
      "--state",
      "failed,expired",
    );
    const unasked = await run("jobs", "retry", "--tag", "harvest");
    const retried = await run("jobs", "retry", "--tag", "harvest", "--error-code", "sack_empty", "--yes");
    const again = await run("jobs", "retry", ...ids);
    const nothing = await run("jobs", "retry");
    const cancelled = await run("jobs", "cancel", "--tag", "harvest", "--yes");
    await run("queues", "resume", "told");

    expect(found.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("Retry 2 jobs?") });
    expect(retried).toMatchObject({ code: 0, stderr: "Retried 2 jobs\n" });
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("job_not_ended") });
    expect(nothing.code).toBe(2);
    expect(cancelled).toMatchObject({ code: 0, stderr: "Cancelled 2 jobs\n" });
  });

  it("give their result, with a code for each way there is none", async () => {
    const answer = await call("answer");
    const failing = await call("fail");
    const held = await call("hold");

    const returned = await run("result", answer, "--wait");
    const failed = await run("result", failing, "--wait");
    const late = await run("result", held, "--wait", "--timeout", "1");
    const unknown = await run("result", "01999999-0000-7000-8000-000000000000");
    await run("revoke", held);

    expect(returned).toMatchObject({ code: 0 });
    expect(parseJson(returned.stdout)).toEqual({ text: "" });
    expect(failed).toMatchObject({ code: 6, stderr: expect.stringContaining("sack_empty") });
    expect(late.code).toBe(5);
    expect(unknown.code).toBe(3);
  });

  it("are answered what they wait for, in words or as JSON", async () => {
    const first = await call("ask");
    const second = await call("ask");
    await untilState(first, "waiting");
    await untilState(second, "waiting");
    const seen = await run("jobs", "get", first);
    const short = await run("jobs", "answer", first, "no");
    const unasked = await run("jobs", "answer", first);
    const answered = await runJson(jobSchema, "jobs", "answer", first, "well");
    const again = await run("jobs", "answer", first, "word", "ill");
    const byKey = await run("jobs", "answer", second, "word", "--value", '"good"');
    await untilState(first, "succeeded");
    await untilState(second, "succeeded");
    const ended = await run("jobs", "answer", first, "well");

    expect(seen.stdout).toContain("Asks      Which word?");
    expect(short).toMatchObject({ code: 1, stderr: expect.stringContaining("invalid_answer") });
    expect(unasked.code).toBe(2);
    expect(answered).toMatchObject({ id: first, waiting_for: null });
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("already_answered") });
    expect(byKey.code).toBe(0);
    expect((await flow.job(second)).output).toEqual({ text: "good" });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("waits for nothing") });
  });

  it("show each line of what they logged, and nothing that moves the cursor", async () => {
    const text = "Error: rye\r\n    at sack (mill.ts:1:2)\n\u001b[2J    at mill (mill.ts:3:4)\n";
    const input = JSON.stringify({ end: "answer", text });
    const { stdout: id } = await run("call", toldTask.name, "--input", input, "--wait", "--json");
    const job = jobSchema.parse(parseJson(id));

    const shown = await run("jobs", "logs", job.id);
    const lines = await runJson(z.array(logLineSchema), "jobs", "logs", job.id);

    expect(shown.stdout.split("\n")).toEqual([
      expect.stringMatching(/^[-\dT:.Z]+\tinfo\tError: rye$/),
      "        at sack (mill.ts:1:2)",
      "    [2J    at mill (mill.ts:3:4)",
      "",
    ]);
    expect(lines).toMatchObject([{ message: text }]);
  });

  it("are followed as they change", async () => {
    const events = startCommand(["events", "--json"], options());
    let told = "";
    events.process.stdout?.on("data", (chunk: Buffer) => (told += chunk.toString()));
    // It hears of what comes after it has subscribed: something comes until it does.
    await waitFor(
      async () => {
        await call("answer");
        return told.includes('"type":"job.changed"') && told.includes('"state":"succeeded"');
      },
      { describe: "an event of a job", timeoutMs: 50_000 },
    );
    events.process.kill("SIGINT");

    expect((await events.end).code).toBe(130);
  });

  it("are followed until whoever reads them has enough", async () => {
    const events = startCommand(["events"], options());
    events.end.catch(() => undefined);
    let hasTold = false;
    events.process.stdout?.once("data", () => {
      hasTold = true;
      events.process.stdout?.destroy();
    });
    const ended = once(events.process, "exit");
    // A closed pipe shows with the next line.
    await waitFor(
      async () => {
        await call("answer");
        return hasTold && events.process.exitCode !== null;
      },
      { describe: "the end of the events", timeoutMs: 50_000 },
    );
    await ended;

    expect(events.process.exitCode).toBe(0);
  });
});
