import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "./run-program.ts";

/*
 * A guard that cannot fail is worse than none. Each test makes a small clean repository with the
 * real configuration files, plants one violation, and expects the guard to name it.
 */

const root = join(import.meta.dirname, "..");
const configuration = [".oxlintrc.json", ".oxfmtrc.json", "knip.json", "tsconfig.json"];
const alpha = "packages/alpha/src";

let copy = "";

beforeEach(async () => {
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
});

afterEach(async () => {
  await rm(copy, { recursive: true, force: true });
});

describe("lint", () => {
  const lint = () => run("oxlint", []);

  it("passes clean code", async () => {
    const result = await lint();

    expect(result.output).toContain("0 errors");
    expect(result.exitCode).toBe(0);
  });

  const planted: readonly (readonly [rule: string, path: string, source: string])[] = [
    ["no-floating-promises", `${alpha}/a.ts`, "Promise.resolve(1);\n"],
    [
      "no-misused-promises",
      `${alpha}/a.ts`,
      "export const a = (b: Promise<boolean>): number => {\n  if (b) return 1;\n  return 2;\n};\n",
    ],
    ["await-thenable", `${alpha}/a.ts`, "export const a = async () => await 1;\n"],
    ["no-explicit-any", `${alpha}/a.ts`, "export const a = (b: any): unknown => b;\n"],
    ["no-non-null-assertion", `${alpha}/a.ts`, "export const a = (b: string | null): string => b!;\n"],
    ["no-process-env", `${alpha}/a.ts`, "export const a = (): unknown => process.env.HOME;\n"],
    ["no-console", `${alpha}/a.ts`, 'console.log("a");\n'],
    ["no-default-export", `${alpha}/a.ts`, "export default 1;\n"],
    [
      "consistent-type-imports",
      `${alpha}/a.ts`,
      'import { URL } from "node:url";\nexport const a = (b: URL): string => typeof b;\n',
    ],
    [
      "switch-exhaustiveness-check",
      `${alpha}/a.ts`,
      'export const a = (b: "x" | "y"): void => {\n  switch (b) {\n    case "x":\n      break;\n  }\n};\n',
    ],
    ["no-restricted-imports", `${alpha}/a.ts`, 'export { a } from "@millrace/kernel/src/index.ts";\n'],
    [
      "no-restricted-imports",
      `${alpha}/a.ts`,
      'export { a } from "../../../packages/kernel/src/index.ts";\n',
    ],
    ["no-focused-tests", `${alpha}/a.test.ts`, 'import { it } from "vitest";\nit.only("a", () => {});\n'],
    ["no-disabled-tests", `${alpha}/a.test.ts`, 'import { it } from "vitest";\nit.skip("a", () => {});\n'],
    ["alt-text", "apps/web/src/a.tsx", 'export const A = () => <img src="a.png" />;\n'],
    [
      "rules-of-hooks",
      "apps/web/src/a.tsx",
      'import { useState } from "react";\nexport const A = (b: boolean) => {\n  if (b) useState(1);\n  return null;\n};\n',
    ],
  ];

  it.each(planted)("catches %s in %s", async (rule, path, source) => {
    await write(path, source);

    const result = await lint();

    expect(result.output).toContain(`(${rule})`);
    expect(result.exitCode).not.toBe(0);
  });

  it("catches an import cycle", async () => {
    await write(`${alpha}/a.ts`, 'import { b } from "./b.ts";\nexport const a = (): unknown => b;\n');
    await write(`${alpha}/b.ts`, 'import { a } from "./a.ts";\nexport const b = (): unknown => a;\n');

    const result = await lint();

    expect(result.output).toContain("(no-cycle)");
    expect(result.exitCode).not.toBe(0);
  });

  it("catches a lint disable that disables nothing", async () => {
    await write(`${alpha}/a.ts`, "// oxlint-disable-next-line no-console\nexport const a = 1;\n");

    const result = await lint();

    expect(result.exitCode).not.toBe(0);
  });

  it("lets the server read the environment", async () => {
    await write("apps/server/src/a.ts", "export const a = (): unknown => process.env.HOME;\n");

    const result = await lint();

    expect(result.exitCode).toBe(0);
  });
});

describe("boundaries", () => {
  const boundaries = () => run(process.execPath, [join(root, "scripts/boundaries.ts"), copy]);

  it("passes clean packages", async () => {
    const result = await boundaries();

    expect(result.output).toContain("3 files in 3 workspaces, 0 problem(s)");
    expect(result.exitCode).toBe(0);
  });

  it("fails when it examined nothing", async () => {
    await rm(join(copy, "packages"), { recursive: true });

    expect((await boundaries()).exitCode).not.toBe(0);
  });

  const planted: readonly (readonly [rule: string, path: string, content: string])[] = [
    ["relative-escape", "packages/queue/src/a.ts", 'import "../../kernel/src/index.ts";\n'],
    ["relative-escape", "packages/queue/src/a.ts", 'const a = await import("../../kernel/src/index.ts");\n'],
    ["relative-escape", "packages/queue/src/a.ts", 'new URL("../../kernel/src/a.ts", import.meta.url);\n'],
    [
      "relative-escape",
      "packages/queue/src/a.ts",
      'import {\n  two,\n} from "../../kernel/src/index.ts";\nexport { two };\n',
    ],
    ["undeclared-package", "packages/extract/src/a.ts", 'import { two } from "@millrace/kernel";\n'],
    ["undeclared-package", "packages/extract/src/a.ts", 'import type { Two } from "@millrace/kernel";\n'],
    [
      "wrong-direction",
      "packages/kernel/package.json",
      manifest("@millrace/kernel", { "@millrace/queue": "*" }),
    ],
    [
      "wrong-direction",
      "packages/queue/package.json",
      manifest("@millrace/queue", { "@millrace/extract": "*" }),
    ],
    ["wrong-direction", "apps/web/package.json", manifest("@millrace/web", { "@millrace/kernel": "*" })],
    ["package-without-layer", "packages/alpha/package.json", manifest("@millrace/alpha", {})],
    ["test-code-in-product", "packages/queue/src/a.ts", 'import { a } from "@millrace/testing";\n'],
  ];

  it.each(planted)("catches %s in %s", async (rule, path, content) => {
    await write(path, content);

    const result = await boundaries();

    expect(result.output).toContain(`[${rule}]`);
    expect(result.exitCode).not.toBe(0);
  });
});

describe("unused code", () => {
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
  const types = () => run("tsc", ["--noEmit", "-p", "tsconfig.json"]);

  it("passes clean code", async () => {
    expect((await types()).exitCode).toBe(0);
  });

  it.each([
    [
      "TS18048",
      "export const a = (b: readonly string[]): number => {\n  const c = b[0];\n  return c.length;\n};\n",
    ],
    ["TS2375", "export const a = (b: string | undefined): { c?: string } => ({ c: b });\n"],
    ["TS7006", "export const a = (b) => String(b);\n"],
    ["TS1294", "export enum A {\n  b,\n}\n"],
    [
      "TS1484",
      'import { StatOptions } from "node:fs";\nexport const a = (b: StatOptions): unknown => b.bigint;\n',
    ],
    ["TS6133", "export const a = (b: string): number => 1;\n"],
  ])("catches %s", async (code, source) => {
    await write(`${alpha}/a.ts`, source);

    const result = await types();

    expect(result.output).toContain(code);
    expect(result.exitCode).not.toBe(0);
  });
});

describe("format", () => {
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
