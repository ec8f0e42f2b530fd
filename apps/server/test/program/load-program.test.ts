import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { programFolder, taskFile } from "./program-folder.ts";

const run = promisify(execFile);
const child = fileURLToPath(new URL("./load-program-child.ts", import.meta.url));
const loadedSchema = z.union([
  z.object({ tasks: z.array(z.string()) }),
  z.object({
    code: z.string(),
    items: z.array(z.object({ pointer: z.string(), message: z.string() })).default([]),
  }),
]);

async function load(files: Readonly<Record<string, string>>) {
  await using folder = await programFolder(files);
  const { stdout } = await run(process.execPath, [child, folder.path], { timeout: 50_000 });
  return loadedSchema.parse(JSON.parse(stdout));
}

const config = (body: string): string =>
  `import { defineConfig, handleTask, defineTask, z } from "millrace";\nexport default defineConfig(${body});\n`;

describe("a program in the working folder", () => {
  it("is nothing where there is nothing", async () => {
    expect(await load({ "notes.txt": "hello" })).toEqual({ tasks: [] });
  });

  it("is every handler of the tasks folder, tests and other files left out", async () => {
    const files = {
      "tasks/add.ts": taskFile("add"),
      "tasks/mail/send.ts": taskFile("mail.send_letter"),
      "tasks/plain.js": taskFile("plain"),
      "tasks/add.test.ts": "throw new Error('no task')",
      "tasks/types.d.ts": "export type Nothing = never;",
      "tasks/README.md": "no code",
      "tasks/index.ts": `export * from "./add.ts";`,
    };

    expect(await load(files)).toEqual({ tasks: ["add@1", "mail.send_letter@1", "plain@1"] });
  });

  it("may have its tasks elsewhere, and make some when it is asked", async () => {
    const files = {
      "millrace.config.ts": config(`{
        tasksDirectory: "jobs",
        tasks: ({ settings }) => [handleTask({
          task: defineTask({ name: \`made.\${settings.LOG_LEVEL}\`, input: z.object({}), output: z.null() }),
          run: async () => null,
        })],
      }`),
      "jobs/add.ts": taskFile("add"),
    };

    expect(await load(files)).toEqual({ tasks: ["add@1", "made.info@1"] });
  });

  it("shares zod with the product, whatever else its folder has installed or says of its kind", async () => {
    const files = {
      "package.json": `{"name":"somebodys","type":"commonjs"}`,
      "node_modules/zod/package.json": `{"name":"zod","version":"0.0.1","exports":"./index.js"}`,
      "node_modules/zod/index.js": "throw new Error('another zod')",
      "tasks/one.ts": `import { z } from "zod";
import { z as ours, defineTask, handleTask } from "millrace";
if (z !== ours) throw new Error("two copies");
export const one = handleTask({
  task: defineTask({ name: "one", input: z.object({}), output: z.null() }),
  run: async () => null,
});`,
    };

    expect(await load(files)).toEqual({ tasks: ["one@1"] });
  });

  it.each<[string, Readonly<Record<string, string>>, string, string]>([
    [
      "a syntax error",
      { "tasks/add.ts": "export const a = 1;\nexport const b: number = ;\n" },
      "tasks/add.ts:2",
      "Expression expected",
    ],
    [
      "a syntax error in JavaScript",
      { "tasks/add.js": "export const a = 1;\n foo bar;\n" },
      "tasks/add.js:2",
      "Unexpected identifier",
    ],
    ["what types alone can't do", { "tasks/add.ts": "enum A { x }\n" }, "tasks/add.ts:1", "enum"],
    [
      "a file that is not there",
      { "tasks/add.ts": `\nimport { x } from "../lib/none.ts";\nexport const y = x;\n` },
      "tasks/add.ts:2",
      "lib/none.ts",
    ],
    [
      "a package that is not there",
      { "tasks/add.ts": `import x from "no-such-package";\nexport const y = x;\n` },
      "tasks/add.ts:1",
      "npm install no-such-package",
    ],
    [
      "an export that is not there",
      { "tasks/add.ts": `import { nothing } from "millrace";\nexport const y = nothing;\n` },
      "tasks/add.ts:1",
      "nothing",
    ],
    [
      "the file that a task imports and that throws",
      {
        "lib/broken.ts": `export const a = 1;\nthrow new Error("boom");\n`,
        "tasks/add.ts": `import "../lib/broken.ts";\n`,
      },
      "lib/broken.ts:2",
      "boom",
    ],
    [
      "a task that can't be",
      { "tasks/add.ts": taskFile("Add") },
      "tasks/add.ts:3",
      "the name must be small letters",
    ],
    [
      "a task without a handler",
      {
        "tasks/add.ts": `import { defineTask, z } from "millrace";
export const add = defineTask({ name: "add", input: z.object({}), output: z.null() });`,
      },
      "tasks/add.ts",
      "handleTask",
    ],
    [
      "two handlers of one task",
      { "tasks/a.ts": taskFile("add"), "tasks/b.ts": taskFile("add") },
      "tasks/b.ts (handler)",
      "tasks/a.ts (handler)",
    ],
    [
      "no default export",
      { "millrace.config.ts": "export const config = {};" },
      "millrace.config.ts",
      "default",
    ],
    [
      "two configurations",
      { "millrace.config.ts": config("{}"), "millrace.config.js": config("{}") },
      "millrace.config.ts",
      "millrace.config.js",
    ],
    [
      "a field that there is not",
      { "millrace.config.ts": config("{ hook: {} }") },
      "millrace.config.ts: hook",
      "Did you mean hooks?",
    ],
    [
      "a schedule that can't be",
      {
        "tasks/add.ts": taskFile("add"),
        "millrace.config.ts": config(`{ schedules: [
          { name: "good", task: "add", cron: "0 3 * * *", input: { x: 1, y: 2 } },
          { name: "bad", task: "add", cron: "99 3 * * *", input: { x: 1, y: 2 } },
        ] }`),
      },
      "millrace.config.ts: schedules[1].cron",
      "99",
    ],
    [
      "an input that a schedule's task does not take",
      {
        "tasks/add.ts": taskFile("add"),
        "millrace.config.ts": config(
          `{ schedules: [{ name: "bad", task: "add", cron: "@daily", input: { y: 1 } }] }`,
        ),
      },
      "millrace.config.ts: schedules[0].input.x",
      "number",
    ],
    [
      "a folder that is not there",
      { "millrace.config.ts": config(`{ migrations: "sql" }`) },
      "millrace.config.ts: migrations",
      "sql",
    ],
    [
      "what its function makes and is no handler",
      { "millrace.config.ts": config("{ tasks: () => [1] }") },
      "millrace.config.ts: tasks()[0]",
      "handleTask",
    ],
  ])("is refused for %s, with file and place", async (_what, files, pointer, words) => {
    const loaded = await load(files);

    expect(loaded).toMatchObject({ code: "invalid_config", items: [{ pointer }] });
    expect(JSON.stringify(loaded)).toContain(words);
  });

  it("is refused for all its broken files at once", async () => {
    const loaded = await load({ "tasks/a.ts": "a b", "tasks/b.ts": "c d", "tasks/c.ts": taskFile("c") });

    const pointers = "items" in loaded ? loaded.items.map(({ pointer }) => pointer) : [];
    expect(pointers).toEqual(["tasks/a.ts:1", "tasks/b.ts:1"]);
  });
});
