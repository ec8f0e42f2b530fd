import { once } from "node:events";
import { jobDetailSchema } from "@millrace/contracts";
import { startMillrace, waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { programFolder, taskFile } from "./program-folder.ts";
import type { ProgramFolder } from "./program-folder.ts";

const patient = { timeoutMs: 60_000, intervalMs: 50 };

type Watched = AsyncDisposable & { readonly folder: ProgramFolder; readonly millrace: RunningMillrace };

async function watchProgram(files: Readonly<Record<string, string>>): Promise<Watched> {
  const folder = await programFolder(files);
  const millrace = await startMillrace({
    dataDirectory: folder.path,
    commandArguments: ["start", "--watch"],
  });
  const dispose = async (): Promise<void> => {
    await millrace.stop();
    await folder[Symbol.asyncDispose]();
  };
  return { folder, millrace, [Symbol.asyncDispose]: dispose };
}

/** Every server that was ready so far, by its address: each start gets a port of its own. */
function addresses(millrace: RunningMillrace): string[] {
  return [...millrace.output().matchAll(/Millrace is ready at (http:\/\/[^\s/]+)/g)].map(
    ([, url]) => url ?? "",
  );
}

async function nextAddress(millrace: RunningMillrace, former: number): Promise<string> {
  return await waitFor(() => addresses(millrace)[former], { describe: "the next start", ...patient });
}

async function add(url: string): Promise<unknown> {
  const response = await fetch(`${url}/api/tasks/add/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "wait=30" },
    body: JSON.stringify({ input: { x: 1, y: 2 } }),
  });
  return jobDetailSchema.parse(await response.json()).output;
}

const withLibrary = {
  "lib/sum.ts": "export const sum = (x: number, y: number): number => x + y;\n",
  "tasks/add.ts": `import { sum } from "../lib/sum.ts";\n${taskFile("add", "sum(input.x, input.y)")}`,
};

describe("millrace start --watch", { timeout: 180_000 }, () => {
  it("starts anew when a task or a file that it imports changes", async () => {
    await using watched = await watchProgram(withLibrary);
    const { folder, millrace } = watched;
    expect(await add(millrace.url)).toBe(3);

    folder.write("lib/sum.ts", "export const sum = (x: number, y: number): number => x * 100 + y;\n");
    const second = await nextAddress(millrace, 1);
    expect(await add(second)).toBe(102);

    folder.write("tasks/more/minus.ts", taskFile("minus", "input.x - input.y"));
    const third = await nextAddress(millrace, 2);
    const tasks = await fetch(`${third}/api/tasks/minus`);
    expect(tasks.status).toBe(200);
  });

  it("keeps the running server through an edit that can't be used, and says what is wrong", async () => {
    await using watched = await watchProgram({ "tasks/add.ts": taskFile("add") });
    const { folder, millrace } = watched;

    folder.write("tasks/add.ts", "export const broken: number = ;\n");
    await waitFor(() => millrace.output().includes("tasks/add.ts:1"), {
      describe: "the mistake",
      ...patient,
    });
    expect(await add(millrace.url)).toBe(3);

    folder.write("tasks/add.ts", taskFile("add", "input.x + input.y + 10"));
    expect(await add(await nextAddress(millrace, 1))).toBe(13);
  });

  it("ends with its server at one Ctrl-C", async () => {
    const folder = await programFolder({ "tasks/add.ts": taskFile("add") });
    const millrace = await startMillrace({
      dataDirectory: folder.path,
      commandArguments: ["start", "--watch"],
    });
    const exited = once(millrace.process, "exit");

    millrace.process.kill("SIGINT");
    await exited;

    expect(millrace.process.exitCode).toBe(0);
    await expect(fetch(`${millrace.url}/livez`)).rejects.toThrow();
    await folder[Symbol.asyncDispose]();
  });

  it("takes its server along when it is killed", async () => {
    const folder = await programFolder({ "tasks/add.ts": taskFile("add") });
    const millrace = await startMillrace({
      dataDirectory: folder.path,
      commandArguments: ["start", "--watch"],
    });

    await millrace.kill9();

    const isGone = () =>
      fetch(`${millrace.url}/livez`).then(
        () => false,
        () => true,
      );
    expect(await waitFor(isGone, { describe: "the end of the server", ...patient })).toBe(true);
    await folder[Symbol.asyncDispose]();
  });
});
