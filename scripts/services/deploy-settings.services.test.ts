import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { runInRoot } from "./in-root.ts";
import { findServers } from "./root-processes.ts";
import { folders } from "./server-folders.ts";
import { readState, servicesDirectory } from "./state.ts";

/*
 * The servers of the tests run with the settings files of the deployment, and answer its health checks. Where
 * tests were given other servers by address, nothing is asked of those.
 */

const root = join(servicesDirectory(), "root");
const deployFolder = join(import.meta.dirname, "../../deploy");
const state = await readState(servicesDirectory());
const ours =
  state?.pgbouncerUrl === process.env.MILLRACE_TEST_PGBOUNCER_URL &&
  state?.redisUrl === process.env.MILLRACE_TEST_REDIS_URL &&
  state?.rabbitmqUrl === process.env.MILLRACE_TEST_RABBITMQ_URL
    ? state
    : undefined;

const composeSchema = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      healthcheck: z.looseObject({ test: z.array(z.string()).optional() }).optional(),
      mem_limit: z.string(),
    }),
  ),
});
const compose = composeSchema.parse(
  parse(await readFile(join(deployFolder, "compose.yaml"), "utf8"), { merge: true }),
);

// The file may be newer than the server.
const older = "started before the file was changed? npm run services -- stop, then start";

const portOf = (url: string | undefined): string => (url === undefined ? "" : new URL(url).port);

/** What a file of ours sets: `key = value` or `key value`; addresses and logins are left out. */
async function settingsOf(file: string): Promise<Record<string, string>> {
  const text = await readFile(join(deployFolder, file), "utf8");
  const settings: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/^([a-z_.-]+)(?: = | )(.*)$/gm)) {
    if (!/^(?:listen_|auth_|millrace$)/.test(name)) settings[name] = value.replaceAll('"', "");
  }
  return settings;
}

/** Of `512m` as Docker writes it, and of `256mb` as Redis does. */
function bytesOf(text: string): number {
  const [, number, unit] = /^(\d+)([mg])b?$/.exec(text) ?? [];
  return Number(number) * (unit === "g" ? 1024 ** 3 : 1024 ** 2);
}

/** The words that Docker would run for the health of a service, with another port. */
function healthWords(name: string, port: string): string[] {
  const [kind, ...words] = compose.services[name]?.healthcheck?.test ?? [];
  const mapped = words.map((word) => word.replaceAll(/\b(?:5432|6432|6379)\b/g, port));
  return kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...mapped] : mapped;
}

it("pgBouncer runs with deploy/pgbouncer.ini", async () => {
  const wanted = await settingsOf("pgbouncer.ini");
  expect(wanted).toMatchObject({ pool_mode: "transaction", default_pool_size: "25", max_client_conn: "200" });
  if (ours === undefined) return;

  const address = ours.pgbouncerUrl.replace(/postgres$/, "pgbouncer");
  const shown = await runInRoot(root, "postgres", ["psql", address, "-XAtc", "SHOW CONFIG"]);

  const running = Object.fromEntries(shown.split("\n").map((line) => line.split("|", 2)));
  expect(running, older).toMatchObject(wanted);
});

it("Redis runs with deploy/redis.conf", async () => {
  const wanted = await settingsOf("redis.conf");
  expect(wanted).toEqual({
    appendonly: "no",
    save: "",
    maxmemory: "256mb",
    "maxmemory-policy": "volatile-ttl",
  });
  if (ours === undefined) return;

  for (const [name, value] of Object.entries(wanted)) {
    const said = await runInRoot(root, "redis", [
      "redis-cli",
      "-p",
      portOf(ours.redisUrl),
      "CONFIG",
      "GET",
      name,
    ]);
    const shown = name === "maxmemory" ? String(bytesOf(value)) : value;
    expect(said.trimEnd().split("\n"), older).toEqual(shown === "" ? [name] : [name, shown]);
  }
});

it("Redis has its memory twice in its container, for connections and what freed memory leaves", async () => {
  const { maxmemory = "" } = await settingsOf("redis.conf");

  expect(bytesOf(compose.services.redis?.mem_limit ?? "")).toBeGreaterThanOrEqual(2 * bytesOf(maxmemory));
});

it("RabbitMQ runs with deploy/rabbitmq.conf", async () => {
  const wanted = await settingsOf("rabbitmq.conf");
  expect(wanted).toMatchObject({
    "vm_memory_high_watermark.relative": "0.6",
    "disk_free_limit.absolute": "1GB",
  });
  if (ours === undefined) return;

  const asked = ["rabbit, vm_memory_high_watermark", "rabbit, disk_free_limit", "ra, wal_max_size_bytes"];
  const expression = `[${asked.map((key) => `element(2, application:get_env(${key}))`).join(",")}].`;
  const said = await atRabbitmq(["rabbitmqctl", "-q", "eval", expression]);
  expect(said.trim(), older).toBe('[0.6,"1GB",64000000]');
}, 60_000);

it("every server answers the health check that compose.yaml asks of it", async () => {
  if (ours === undefined) return;

  const answers = [
    runInRoot(root, "postgres", healthWords("postgres", portOf(ours.postgresUrl))),
    runInRoot(root, "postgres", healthWords("pgbouncer", portOf(ours.pgbouncerUrl))),
    runInRoot(root, "redis", healthWords("redis", portOf(ours.redisUrl))),
    atRabbitmq(healthWords("rabbitmq", "")),
  ];

  for (const answer of answers) await expect(answer).resolves.toBeTypeOf("string");
}, 60_000);

it("a server that is gone does not", async () => {
  if (ours === undefined) return;

  for (const name of ["postgres", "pgbouncer", "redis"]) {
    await expect(runInRoot(root, "postgres", healthWords(name, "1"))).rejects.toThrow(/failed/);
  }
}, 60_000);

/** Runs one of RabbitMQ's own programs, which finds the node by the environment that this was started with. */
async function atRabbitmq(words: readonly string[]): Promise<string> {
  const nodes = (await findServers(root, [folders.rabbitmq])).filter(({ name }) => name === "beam.smp");
  const environment = await readFile(`/proc/${nodes[0]?.id}/environ`, "utf8");
  const wanted = environment
    .split("\0")
    .filter((pair) => /^(?:HOME|PATH|RABBITMQ_NODENAME|ERL_EPMD_PORT|LANG)=/.test(pair));
  const [program = "", ...rest] = words;
  return await runInRoot(root, "rabbitmq", [
    "/usr/bin/env",
    "-i",
    ...wanted,
    `/usr/lib/rabbitmq/bin/${program}`,
    ...rest,
  ]);
}
