import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, connect } from "node:net";
import path from "node:path";
import { waitFor } from "./wait-for.ts";

/** Where `npm run services` keeps what the machine itself does not have. */
const privateRoot = path.resolve(
  process.env.MILLRACE_SERVICES_DIR ?? path.join(import.meta.dirname, "../../../.services"),
  "root",
);

/** A Redis of a test's own, to be killed, stopped and emptied. It keeps nothing on disk. */
export type RedisServer = {
  readonly url: string;
  /** As `kill -9`. Resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Again, empty, at the same address; after a kill. */
  readonly restart: () => Promise<void>;
  /** It neither answers nor goes away, until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
};

/** Starts the machine's redis-server, or the one in the private root of the test services, on a free port. */
export async function startRedisServer(): Promise<RedisServer> {
  const port = await freePort();
  let child = await start(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    restart: async () => {
      child = await start(port);
    },
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
  };
}

/**
 * A Redis that has just been started and reads what it had on its disk, for so long: it takes connections, tells of
 * itself, and refuses everything else.
 */
export async function startLoadingRedis(seconds: number): Promise<Pick<RedisServer, "url" | "kill">> {
  const port = await freePort();
  const file = `millrace-loading-${port}.rdb`;
  const keys = seconds * 10;
  const first = await start(port, ["--dbfilename", file, "--rdbcompression", "no"]);
  for (let key = 0; key < keys; key++) await ask(port, `SET key-${key} ${"x".repeat(2_000)}`);
  await ask(port, "SAVE");
  first.kill("SIGKILL");
  await once(first, "exit");
  const slowly = ["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"];
  const child = await start(port, ["--dbfilename", file, ...slowly], "-LOADING");
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      await rm(path.join(redisCommand()[0] === "chroot" ? privateRoot : "/", "tmp", file), { force: true });
    },
  };
}

async function start(port: number, more: readonly string[] = [], answer = "+PONG"): Promise<ChildProcess> {
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const [command, ...rest] = redisCommand();
  const child = spawn(command, [...rest, ...settings, "--dir", "/tmp", ...more], { stdio: "ignore" });
  const isThere = async () => (await ask(port, "PING")).startsWith(answer);
  await waitFor(isThere, { describe: `redis-server at port ${port}` });
  return child;
}

function redisCommand(): readonly [string, ...string[]] {
  const found = (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, "redis-server"))
    .find((file) => existsSync(file));
  // In the root it is the child itself, so that signals reach it.
  return found === undefined ? ["chroot", privateRoot, "/usr/bin/redis-server"] : [found];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write(`${command}\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}
