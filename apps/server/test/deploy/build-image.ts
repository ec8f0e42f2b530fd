import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { repository } from "./compose.ts";
import { isLeftOut, readStages } from "./dockerfile.ts";
import type { Stage } from "./dockerfile.ts";

const run = promisify(execFile);
const runTimeoutMs = 300_000;

/**
 * Does what the Dockerfile says, stage by stage, each in a folder of its own under `folder`, with the Node of
 * this machine in place of the image's. The last stage is only copied into, for the rest of it is about users
 * and defaults. Returns the folder of the image.
 */
export async function buildImage(folder: string): Promise<string> {
  const stages = readStages();
  for (const stage of stages) await buildStage(folder, stage, stages);
  return folderOf(folder, undefined);
}

/** The files that a builder would get: those of the folder, also the ones that nobody has committed yet. */
async function contextFiles(): Promise<string[]> {
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", words, { cwd: repository, maxBuffer: 100_000_000 });
  return stdout.split("\0").filter((path) => path !== "" && !isLeftOut(path));
}

async function buildStage(folder: string, stage: Stage, stages: readonly Stage[]): Promise<void> {
  const own = folderOf(folder, stage.name);
  const base = stages.find(({ name }) => name === stage.from);
  await mkdir(own, { recursive: true });
  if (base !== undefined) await copy(folderOf(folder, base.name), own);
  let workingFolder = base === undefined ? "/" : workingFolderOf(base);
  for (const { word, rest } of stage.instructions) {
    if (word === "WORKDIR") {
      workingFolder = rest;
      await mkdir(join(own, rest), { recursive: true });
    } else if (word === "COPY") {
      await copyInto(folder, own, workingFolder, rest);
    } else if (word === "RUN" && stage.name !== undefined) {
      await runCommand(rest, join(own, workingFolder));
    }
  }
}

async function copyInto(folder: string, own: string, workingFolder: string, rest: string): Promise<void> {
  const [, from, words = ""] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? [];
  const parts = words.split(/\s+/);
  const target = parts.pop() ?? "";
  for (const source of parts) {
    const to = join(own, target.startsWith("/") ? target : join(workingFolder, target));
    if (from === undefined) await copyFromContext(source, target.endsWith("/") ? join(to, source) : to);
    else await copy(join(folderOf(folder, from), source), to);
  }
}

/** Throws for a source that is not in the repository, or that .dockerignore keeps out, as the builder does. */
async function copyFromContext(source: string, to: string): Promise<void> {
  const files = await contextFiles();
  const found = files.filter((path) => path === source || path.startsWith(`${source}/`));
  if (found.length === 0) throw new Error(`COPY ${source}: the builder does not have it.`);
  for (const path of found) {
    const place = join(to, path.slice(source.length));
    await mkdir(dirname(place), { recursive: true });
    await cp(join(repository, path), place);
  }
}

async function runCommand(command: string, workingFolder: string): Promise<void> {
  // What the machine has loaded before need not come over the network again.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_prefer_offline: "true" };
  await run("sh", ["-c", command], {
    cwd: workingFolder,
    env,
    timeout: runTimeoutMs,
    maxBuffer: 100_000_000,
  });
}

/** What lies in one folder, into another. Linked where the system can: hundreds of megabytes of packages. */
async function copy(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run("cp", [process.platform === "linux" ? "-al" : "-a", `${from}/.`, to]);
}

function workingFolderOf(stage: Stage): string {
  return stage.instructions.findLast(({ word }) => word === "WORKDIR")?.rest ?? "/";
}

function folderOf(folder: string, name: string | undefined): string {
  return join(folder, name ?? "image");
}
