import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readLines } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildImage } from "./build-image.ts";
import { execForm, imageEnvironment, imageSays } from "./dockerfile.ts";

/*
 * There may be no Docker where tests run. So the Dockerfile's steps are done in folders, and what comes of them
 * is started as the image would start it: by a user who may write nowhere but to the data folder.
 */

const isRoot = process.getuid?.() === 0;
/** `nobody`. Without root the tests' own user has to do. */
const stranger = isRoot ? { uid: 65_534, gid: 65_534 } : {};

let folder = "";
let image = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-image-"));
  await chmod(folder, 0o755);
  image = await buildImage(folder);
  await mkdir(join(image, "data"));
  if (isRoot) await chown(join(image, "data"), 65_534, 65_534);
}, 600_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("runs as a user of its own, never as root", () => {
  expect(imageSays("USER")).toBe("node");
});

it("has its packages linked from the workspace, where Node may run TypeScript", async () => {
  const linked = await realpath(join(image, "app/node_modules/@millrace/queue"));

  expect(linked).toBe(await realpath(join(image, "app/packages/queue")));
});

it("has nothing that only development needs", async () => {
  const developed = ["vitest", "typescript", "vite", "node", "oxlint", "react"];
  const there = await Promise.all(
    developed.map((name) =>
      realpath(join(image, "app/node_modules", name)).then(
        () => name,
        () => undefined,
      ),
    ),
  );

  expect(there.filter((name) => name !== undefined)).toEqual([]);
});

it("answers and serves its pages, and its health check says so", async () => {
  const child = startImage({ HOST: "127.0.0.1", PORT: "0" }, execForm(imageSays("CMD")));
  try {
    const url = await readyUrl(child);

    const page = await fetch(url);
    const healthy = await exitOfHealthCheck({ PORT: new URL(url).port });

    expect(page.status).toBe(200);
    expect(await page.text()).toMatch(/<script type="module"/);
    expect(healthy).toBe(0);
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  }
});

it("is not healthy when nobody answers", async () => {
  expect(await exitOfHealthCheck({ PORT: "1" })).toBe(1);
});

function startImage(environment: Record<string, string>, words: readonly string[]): ChildProcess {
  const [, main = "", ...rest] = execForm(imageSays("ENTRYPOINT"));
  return spawn(process.execPath, [join(image, main), ...rest, ...words], {
    ...stranger,
    cwd: join(image, imageSays("WORKDIR")),
    env: { ...ownEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function ownEnvironment(): Record<string, string> {
  const said = imageEnvironment();
  // Whatever looks for Node finds the one that runs this.
  return { ...said, PATH: dirname(process.execPath), DATA_DIR: join(image, said.DATA_DIR ?? "") };
}

async function readyUrl(child: ChildProcess): Promise<string> {
  for await (const line of readLines(child)) {
    const url = /ready at (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("It ended before it was ready.");
}

async function exitOfHealthCheck(environment: Record<string, string>): Promise<number | null> {
  const [, ...words] = execForm(imageSays("HEALTHCHECK"));
  const child = spawn(process.execPath, words, {
    env: { ...ownEnvironment(), ...environment },
    stdio: "ignore",
  });
  await once(child, "exit");
  return child.exitCode;
}
