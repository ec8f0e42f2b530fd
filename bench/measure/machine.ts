import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import { repository } from "../processes/repository.ts";

const peers = [
  "@electric-sql/pglite",
  "fastify",
  "ws",
  "pg",
  "kysely",
  "bullmq",
  "ioredis",
  "pg-boss",
  "graphile-worker",
];

/** What the figures depend on: machine, versions, commit and how busy everything is now. */
export async function machineConditions(): Promise<string[]> {
  const versions = await Promise.all(peers.map(async (name) => `${name} ${await installedVersion(name)}`));
  return [
    `${new Date().toISOString()}, commit ${await commit()}`,
    `${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, ${process.platform} ${release()}`,
    `node ${process.versions.node}, ${versions.join(", ")}`,
    loadLine(),
  ];
}

/** The load of the machine over the last 1, 5 and 15 minutes. */
export function loadLine(): string {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  const load = [one, five, fifteen].map((value) => value.toFixed(2)).join(" ");
  // Our own children make up to about two of it; more means that others were at work.
  const remark = one > availableParallelism() ? ", more than it has cores" : "";
  return `load average ${load}${remark}`;
}

async function installedVersion(name: string): Promise<string> {
  const text = await readFile(path.join(repository, "node_modules", name, "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(parseJson(text)).version;
}

async function commit(): Promise<string> {
  try {
    const git = (...words: string[]) => promisify(execFile)("git", words, { cwd: repository });
    const head = (await git("rev-parse", "--short", "HEAD")).stdout.trim();
    const changes = (await git("status", "--porcelain")).stdout.trim();
    return changes === "" ? head : `${head} with changes`;
  } catch {
    // An unpacked archive has no history; the figures are still worth printing.
    return "unknown";
  }
}
