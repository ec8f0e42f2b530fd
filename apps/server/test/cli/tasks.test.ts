import { writeFileSync } from "node:fs";
import path from "node:path";
import { jobDetailSchema, jobSchema, taskSchema } from "@millrace/contracts";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { programFolder, taskFile } from "../program/program-folder.ts";
import type { ProgramFolder } from "../program/program-folder.ts";
import { runCommand } from "./command.ts";
import type { CommandEnd } from "./command.ts";

describe("millrace tasks", () => {
  let folder: ProgramFolder;
  let server: RunningMillrace;
  beforeAll(async () => {
    folder = await programFolder({
      "tasks/add.ts": taskFile("add", "input.x + input.y", `description: "Adds", rateLimit: "100/s",`),
      "tasks/fail.ts": taskFile("fail", `Promise.reject(new Error("on purpose"))`, "retries: 0,"),
    });
    server = await startMillrace({ dataDirectory: folder.path });
  });
  afterAll(async () => {
    await server.stop();
    await folder[Symbol.asyncDispose]();
  });

  function tasks(words: readonly string[], input?: string): Promise<CommandEnd> {
    return runCommand(["tasks", ...words], {
      folder: folder.path,
      environment: { DATA_DIR: folder.path },
      ...(input === undefined ? {} : { input }),
    });
  }

  it("ls lists them for people and for programs", async () => {
    const table = await tasks(["ls"]);
    const json = await tasks(["ls", "--json"]);

    expect(table.stdout).toContain("add\t1\tdefault\t5\t3\t100/s\tprogram");
    expect(
      z
        .array(taskSchema)
        .parse(JSON.parse(json.stdout))
        .map(({ name }) => name),
    ).toContain("add");
  });

  it("get shows one, and exits with 3 when there is none", async () => {
    const one = await tasks(["get", "add"]);
    const none = await tasks(["get", "ad"]);

    expect(one.stdout).toContain("Adds");
    expect(none.code).toBe(3);
    expect(none.stderr).toContain("Did you mean add?");
  });

  it("enqueue prints the id of the job", async () => {
    const { code, stdout } = await tasks(["enqueue", "add", "--input", '{"x":1,"y":2}', "--priority", "9"]);

    expect(code).toBe(0);
    expect(stdout.trim()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("enqueue takes times as they are said elsewhere, or seconds", async () => {
    const input = ["--input", '{"x":1,"y":2}', "--json"];
    const far = await tasks(["enqueue", "add", ...input, "--delay", "60d", "--expires", "90d"]);
    const near = await tasks(["enqueue", "add", ...input, "--delay", "3600"]);

    const dueIn = ({ stdout }: CommandEnd): number => {
      const { created_at, run_at } = jobSchema.parse(JSON.parse(stdout));
      return Math.round((Date.parse(run_at) - Date.parse(created_at)) / 1000);
    };
    expect([dueIn(far), dueIn(near)]).toEqual([60 * 86_400, 3600]);
  });

  it("enqueue --wait prints what the job returned", async () => {
    writeFileSync(path.join(folder.path, "input.json"), '{"x":20,"y":22}');

    const fromFile = await tasks(["enqueue", "add", "--input", "@input.json", "--wait"]);
    const piped = await tasks(["enqueue", "add", "--input", "-", "--wait", "--json"], '{"x":1,"y":2}');

    expect(fromFile).toMatchObject({ code: 0, stdout: "42\n" });
    expect(jobDetailSchema.parse(JSON.parse(piped.stdout))).toMatchObject({ state: "succeeded", output: 3 });
  });

  it.each<[string, readonly string[], number, string]>([
    ["6 when the job failed", ["fail", "--input", '{"x":1,"y":2}', "--wait"], 6, "internal_error"],
    [
      "5 when the time is over",
      ["add", "--input", '{"x":1,"y":2}', "--delay", "3600", "--wait", "--timeout", "0.5"],
      5,
      "The job goes on",
    ],
    ["3 for a task that there is not", ["nothing"], 3, "task_not_found"],
    ["3 for a file that there is not", ["add", "--input", "@none.json"], 3, "file_not_found"],
    ["2 for what is not JSON", ["add", "--input", "{x:1}"], 2, "is not JSON"],
    ["2 for a priority of ten", ["add", "--priority", "10"], 2, "from 0 to 9"],
    ["2 for a delay that can't be read", ["add", "--delay", "soon"], 2, "10m"],
    ["2 for a time limit without a wait", ["add", "--timeout", "3"], 2, "--wait"],
    ["1 for an input that does not fit", ["add", "--input", '{"x":1}'], 1, "/input/y"],
  ])("enqueue exits with %s", async (_what, words, code, said) => {
    const end = await tasks(["enqueue", ...words]);

    expect(end.code).toBe(code);
    expect(end.stderr).toContain(said);
  });
});
