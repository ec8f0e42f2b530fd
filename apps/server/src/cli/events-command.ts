import { serverFrameSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { interrupted, serverNotReachable } from "./errors.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import { getServer } from "./server/find-server.ts";
import type { ConnectionSettings } from "./settings.ts";
import { printableLine } from "./terminal/printable.ts";

const topics = ["jobs", "workspace", "monitor"] as const;

/** `millrace events`: what changes, line by line, until it is interrupted. */
export function addEventsCommand(program: Command, host: CommandHost): void {
  program
    .command("events")
    .description("Follow what changes of jobs, documents, queues and workers, line by line")
    .option("--dump", "the same; Celery's word")
    .option("--json", "a JSON object on each line")
    .action(async ({ json }: { readonly json?: true }) => {
      const connection = host.environment().connection();
      const client = await getServer(connection);
      // A socket that is refused does not say why.
      await (await client.open("/api/system")).body?.cancel();
      await follow(client.url, connection, json === true ? jsonLine : plainLine);
    });
}

type Told = { readonly at: string; readonly topic: string; readonly type: string; readonly data: object };

function jsonLine(told: Told): string {
  return JSON.stringify(told);
}

function plainLine({ at, topic, type, data }: Told): string {
  const facts = Object.entries(data).map(([name, value]) => `${name}=${String(value)}`);
  return printableLine([at, topic, type, ...facts].join(" "));
}

/**
 * Until whoever reads has enough. Throws `interrupted` when it is, and `server_not_reachable` when the server goes
 * away.
 */
async function follow(
  url: string,
  { MILLRACE_TOKEN: token }: ConnectionSettings,
  line: (told: Told) => string,
) {
  const stop = listenForStop();
  const ended = Promise.withResolvers<"lost" | "read">();
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/ws`, {
    protocols: ["millrace.v1"],
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  socket.addEventListener("open", () => {
    for (const topic of topics) socket.send(JSON.stringify({ op: "sub", topic }));
  });
  socket.addEventListener("message", ({ data }) => {
    const frame = serverFrameSchema.safeParse(parseJson(String(data)));
    if (!frame.success || frame.data.t !== "ev") return;
    const { at, topic, type, data: facts } = frame.data;
    process.stdout.write(`${line({ at, topic, type, data: facts })}\n`);
  });
  socket.addEventListener("close", () => ended.resolve("lost"));
  const onOutputClosed = (): void => ended.resolve("read");
  process.stdout.once("error", onOutputClosed);
  // A refused connection is told by `close` as well.
  socket.addEventListener("error", () => undefined);
  stop.signal.addEventListener("abort", () => socket.close());
  try {
    const end = await ended.promise;
    if (stop.signal.aborted) throw interrupted();
    if (end === "lost") throw serverNotReachable(url);
  } finally {
    process.stdout.off("error", onOutputClosed);
    socket.close();
    stop.close();
  }
}
