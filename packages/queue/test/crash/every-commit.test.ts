import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commitNames } from "../../src/crash-point.ts";
import { allCrashPoints, nameOf } from "./crash-points.ts";
import { findWriteSites, findWritingFunctions } from "./write-sites.ts";

const sources = new Map(readFiles("../../src", "**/*.ts").filter(([file]) => !file.endsWith(".test.ts")));
const migrations = readFiles("../../../database/migrations", "*.sql").map(([, text]) => text);

function readFiles(folder: string, pattern: string): [name: string, text: string][] {
  const root = join(import.meta.dirname, folder);
  return globSync(pattern, { cwd: root }).map((file) => [file, readFileSync(join(root, file), "utf8")]);
}

describe("the sources of the queue", () => {
  const writingFunctions = findWritingFunctions(migrations.join("\n"));
  const { problems, names } = findWriteSites(sources, { names: commitNames, writingFunctions });

  it("are there", () => {
    expect(sources.size).toBeGreaterThan(50);
    expect(writingFunctions).toContain("next_jobs");
  });

  it("commit nothing without a crash point", () => {
    expect(problems).toEqual([]);
  });

  it("use every name of a commit", () => {
    expect(commitNames.filter((name) => !names.has(name))).toEqual([]);
  });
});

it("both sides of every commit are among the crash points", () => {
  const sides = (side: string): Set<string> =>
    new Set(allCrashPoints().flatMap((point) => (point.includes(`:${side}`) ? [nameOf(point)] : [])));

  expect([...sides("before")]).toEqual(commitNames);
  expect([...sides("after")]).toEqual(commitNames);
});
