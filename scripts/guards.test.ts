import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "./run-program.ts";
import type { ProgramResult } from "./run-program.ts";

/*
 * A guard that cannot fail is worse than none. A small repository with the real configuration files
 * passes every guard; violations are planted in it, each in a file of its own, and the guard must
 * name every one. Where a tool reports all files at once, all are planted before one run.
 */

const root = join(import.meta.dirname, "..");
const configuration = [".oxlintrc.json", ".oxfmtrc.json", "knip.json", "tsconfig.json"];
const alpha = "packages/alpha/src";

let copy = "";

async function makeCopy(): Promise<void> {
  copy = await mkdtemp(join(tmpdir(), "millrace-guards-"));
  for (const name of configuration) await cp(join(root, name), join(copy, name));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  await write("package.json", manifest("guarded", {}, { workspaces: ["apps/*", "packages/*"] }));
  await write("packages/kernel/package.json", manifest("@millrace/kernel", {}));
  await write("packages/kernel/src/index.ts", "export const sleep = 2;\n");
  await write("packages/queue/package.json", manifest("@millrace/queue", { "@millrace/kernel": "*" }));
  await write("packages/queue/src/index.ts", 'export { sleep } from "@millrace/kernel";\n');
  await write("packages/extract/package.json", manifest("@millrace/extract", {}));
  await write("packages/extract/src/index.ts", "export const three = 3;\n");
}

async function removeCopy(): Promise<void> {
  await rm(copy, { recursive: true, force: true });
}

type Planted = readonly [rule: string, path: string, source: string];

describe("lint", () => {
  const planted: readonly Planted[] = [
    ["no-floating-promises", `${alpha}/floating.ts`, "Promise.resolve(1);\n"],
    [
      "no-misused-promises",
      `${alpha}/misused.ts`,
      "export const a = (b: Promise<boolean>): number => {\n  if (b) return 1;\n  return 2;\n};\n",
    ],
    ["await-thenable", `${alpha}/thenable.ts`, "export const a = async () => await 1;\n"],
    ["no-explicit-any", `${alpha}/any.ts`, "export const a = (b: any): unknown => b;\n"],
    ["no-non-null-assertion", `${alpha}/null.ts`, "export const a = (b: string | null): string => b!;\n"],
    ["no-process-env", `${alpha}/environment.ts`, "export const a = (): unknown => process.env.HOME;\n"],
    ["no-console", `${alpha}/console.ts`, 'console.log("a");\n'],
    ["no-default-export", `${alpha}/default.ts`, "export default 1;\n"],
    ["no-cycle", `${alpha}/one.ts`, 'import { b } from "./two.ts";\nexport const a = (): unknown => b;\n'],
    ["no-cycle", `${alpha}/two.ts`, 'import { a } from "./one.ts";\nexport const b = (): unknown => a;\n'],
    [
      "consistent-type-imports",
      `${alpha}/type-import.ts`,
      'import { URL } from "node:url";\nexport const a = (b: URL): string => typeof b;\n',
    ],
    [
      "switch-exhaustiveness-check",
      `${alpha}/switch.ts`,
      'export const a = (b: "x" | "y"): void => {\n  switch (b) {\n    case "x":\n      break;\n  }\n};\n',
    ],
    ["no-restricted-imports", `${alpha}/deep.ts`, 'export { a } from "@millrace/kernel/src/index.ts";\n'],
    [
      "no-restricted-imports",
      `${alpha}/relative.ts`,
      'export { a } from "../../../packages/kernel/src/index.ts";\n',
    ],
    ["no-focused-tests", `${alpha}/only.test.ts`, 'import { it } from "vitest";\nit.only("a", () => {});\n'],
    ["no-disabled-tests", `${alpha}/skip.test.ts`, 'import { it } from "vitest";\nit.skip("a", () => {});\n'],
    ["alt-text", "apps/web/src/image.tsx", 'export const A = () => <img src="a.png" />;\n'],
    [
      "rules-of-hooks",
      "apps/web/src/hook.tsx",
      'import { useState } from "react";\nexport const A = (b: boolean) => {\n  if (b) useState(1);\n  return null;\n};\n',
    ],
    [
      "Unused oxlint-disable",
      `${alpha}/disable.ts`,
      "// oxlint-disable-next-line no-console\nexport const a = 1;\n",
    ],
  ];
  const allowed: Planted = [
    "the server reads the environment",
    "apps/server/src/environment.ts",
    "export const a = (): unknown => process.env.HOME;\n",
  ];
  let clean: ProgramResult;
  let broken: ProgramResult;

  beforeAll(async () => {
    await makeCopy();
    await write(allowed[1], allowed[2]);
    clean = await run("oxlint", ["--format=unix"]);
    for (const [, path, source] of planted) await write(path, source);
    broken = await run("oxlint", ["--format=unix"]);
    await removeCopy();
  });

  it("passes clean code, in which the server reads the environment", () => {
    expect(clean.output).not.toContain(".ts:");
    expect(clean.exitCode).toBe(0);
  });

  it.each(planted)("catches %s in %s", (rule, path) => {
    const lines = broken.output.split("\n").filter((line) => line.startsWith(`${path}:`));

    expect(lines.join("\n")).toContain(rule);
    expect(broken.exitCode).not.toBe(0);
  });
});

describe("boundaries", () => {
  const inQueue = "packages/queue/src";
  const planted: readonly Planted[] = [
    ["relative-escape", `${inQueue}/import.ts`, 'import "../../kernel/src/index.ts";\n'],
    ["relative-escape", `${inQueue}/dynamic.ts`, 'const a = await import("../../kernel/src/index.ts");\n'],
    ["relative-escape", `${inQueue}/url.ts`, 'new URL("../../kernel/src/a.ts", import.meta.url);\n'],
    [
      "relative-escape",
      `${inQueue}/lines.ts`,
      'import {\n  two,\n} from "../../kernel/src/index.ts";\nexport { two };\n',
    ],
    ["undeclared-package", "packages/extract/src/a.ts", 'import { two } from "@millrace/kernel";\n'],
    ["undeclared-package", "packages/extract/src/b.ts", 'import type { Two } from "@millrace/kernel";\n'],
    [
      "wrong-direction",
      "packages/kernel/package.json",
      manifest("@millrace/kernel", { "@millrace/queue": "*" }),
    ],
    ["wrong-direction", "packages/kernel/src/a.ts", 'export { sleep } from "@millrace/queue";\n'],
    [
      "wrong-direction",
      "packages/queue/package.json",
      manifest("@millrace/queue", { "@millrace/kernel": "*", "@millrace/extract": "*" }),
    ],
    ["wrong-direction", "apps/web/package.json", manifest("@millrace/web", { "@millrace/kernel": "*" })],
    ["package-without-layer", "packages/alpha/package.json", manifest("@millrace/alpha", {})],
    ["test-code-in-product", `${inQueue}/testing.ts`, 'import { a } from "@millrace/testing";\n'],
  ];
  let clean: ProgramResult;
  let broken: ProgramResult;
  let empty: ProgramResult;

  beforeAll(async () => {
    const boundaries = () => run(process.execPath, [join(root, "scripts/boundaries.ts"), copy]);
    await makeCopy();
    clean = await boundaries();
    for (const [, path, content] of planted) await write(path, content);
    broken = await boundaries();
    await rm(join(copy, "packages"), { recursive: true });
    await rm(join(copy, "apps"), { recursive: true });
    empty = await boundaries();
    await removeCopy();
  });

  it("passes clean packages", () => {
    expect(clean.output).toContain("3 files in 3 workspaces, 0 problem(s)");
    expect(clean.exitCode).toBe(0);
  });

  it.each(planted)("catches %s in %s", (rule, path) => {
    const lines = broken.output.split("\n").filter((line) => line.startsWith(`${path}:`));

    expect(lines.join("\n")).toContain(`[${rule}]`);
    expect(broken.exitCode).not.toBe(0);
  });

  it("fails when it examined nothing", () => {
    expect(empty.exitCode).not.toBe(0);
  });
});

describe("unused code", () => {
  beforeEach(makeCopy);
  afterEach(removeCopy);

  const knip = (strict: readonly string[]) => run("knip", [...strict, "--no-config-hints"]);

  it("passes when everything is used", async () => {
    const result = await knip(["--strict"]);

    expect(result.output.trim()).toBe("");
    expect(result.exitCode).toBe(0);
  });

  it("catches a file that nothing imports", async () => {
    await write("packages/kernel/src/forgotten.ts", "export const forgotten = 1;\n");

    const result = await knip([]);

    expect(result.output).toContain("forgotten.ts");
    expect(result.exitCode).not.toBe(0);
  });

  it("catches an export that nothing imports", async () => {
    await write("packages/kernel/src/parts.ts", "export const used = 1;\nexport const forgotten = 2;\n");
    await write("packages/kernel/src/index.ts", 'export { used as sleep } from "./parts.ts";\n');

    const result = await knip([]);

    expect(result.output).toMatch(/Unused exports[^]*forgotten/);
    expect(result.exitCode).not.toBe(0);
  });

  it("catches product code that only tests use", async () => {
    await write("packages/kernel/src/parts.ts", "export const forgotten = 2;\n");
    await write(
      "packages/kernel/src/parts.test.ts",
      'import { it } from "vitest";\nimport { forgotten } from "./parts.ts";\nit("a", () => void forgotten);\n',
    );

    const result = await knip(["--strict"]);

    expect(result.output).toContain("parts.ts");
    expect(result.exitCode).not.toBe(0);
  });

  it("catches a dependency that nothing imports", async () => {
    await write("packages/extract/package.json", manifest("@millrace/extract", { zod: "4.6.7" }));

    const result = await knip(["--strict"]);

    expect(result.output).toMatch(/Unused dependencies[^]*zod/);
    expect(result.exitCode).not.toBe(0);
  });

  it("catches an import that the package does not declare", async () => {
    await write("packages/extract/src/index.ts", 'export { z as three } from "zod";\n');

    const result = await knip(["--strict"]);

    expect(result.output).toMatch(/Unlisted dependencies[^]*zod/);
    expect(result.exitCode).not.toBe(0);
  });
});

describe("types", () => {
  const planted: readonly Planted[] = [
    [
      "TS18048",
      `${alpha}/index-access.ts`,
      "export const a = (b: readonly string[]): number => {\n  const c = b[0];\n  return c.length;\n};\n",
    ],
    [
      "TS2375",
      `${alpha}/optional.ts`,
      "export const a = (b: string | undefined): { c?: string } => ({ c: b });\n",
    ],
    ["TS7006", `${alpha}/implicit-any.ts`, "export const a = (b) => String(b);\n"],
    ["TS1294", `${alpha}/enum.ts`, "export enum A {\n  b,\n}\n"],
    [
      "TS1484",
      `${alpha}/type-import.ts`,
      'import { StatOptions } from "node:fs";\nexport const a = (b: StatOptions): unknown => b.bigint;\n',
    ],
    ["TS6133", `${alpha}/unused.ts`, "export const a = (b: string): number => 1;\n"],
  ];
  let clean: ProgramResult;
  let broken: ProgramResult;

  beforeAll(async () => {
    await makeCopy();
    clean = await run("tsc", ["--noEmit", "-p", "tsconfig.json"]);
    for (const [, path, source] of planted) await write(path, source);
    broken = await run("tsc", ["--noEmit", "-p", "tsconfig.json"]);
    await removeCopy();
  });

  it("passes clean code", () => {
    expect(clean.output).toBe("");
    expect(clean.exitCode).toBe(0);
  });

  it.each(planted)("catches %s in %s", (code, path) => {
    const lines = broken.output.split("\n").filter((line) => line.startsWith(`${path}(`));

    expect(lines.join("\n")).toContain(code);
    expect(broken.exitCode).not.toBe(0);
  });
});

describe("format", () => {
  beforeAll(makeCopy);
  afterAll(removeCopy);

  const format = () => run("oxfmt", ["--check", "packages"]);

  it("passes formatted code", async () => {
    expect((await format()).exitCode).toBe(0);
  });

  it("catches unformatted code", async () => {
    await write(`${alpha}/a.ts`, "export const a={b:1}\n");

    const result = await format();

    expect(result.output).toContain("a.ts");
    expect(result.exitCode).not.toBe(0);
  });
});

async function run(program: string, programArguments: readonly string[]) {
  const command = program.includes("/") ? program : join(root, "node_modules/.bin", program);
  return runProgram(command, programArguments, {
    workingDirectory: copy,
    timeoutMs: 30_000,
    environment: {
      NO_COLOR: "1",
      FORCE_COLOR: "0",
      PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`,
    },
  });
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(copy, path)), { recursive: true });
  await writeFile(join(copy, path), content);
}

function manifest(name: string, dependencies: Readonly<Record<string, string>>, more: object = {}): string {
  const exports = { ".": "./src/index.ts" };
  const content = { name, version: "0.1.0", private: true, type: "module", exports, dependencies, ...more };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
