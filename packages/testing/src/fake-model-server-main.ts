import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import { behaviourSchema } from "./fake-model-server/behaviour.ts";
import { startFakeModelServer } from "./fake-model-server/start.ts";

// A process of its own, so that it outlives a server that a test kills.
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    /** Milliseconds before every response. */
    delay: { type: "string", default: "0" },
    dimensions: { type: "string", default: "256" },
    log: { type: "string" },
    /** A JSON file with a list of behaviours. */
    script: { type: "string" },
  },
});

const script = values.script === undefined ? undefined : parseJson(await readFile(values.script, "utf8"));
const server = await startFakeModelServer({
  port: Number(values.port),
  delayMs: Number(values.delay),
  dimensions: Number(values.dimensions),
  ...(values.log === undefined ? {} : { logFile: values.log }),
  ...(script === undefined ? {} : { script: z.array(behaviourSchema).parse(script) }),
});
process.stdout.write(`Fake model server is ready at ${server.url}\n`);

const stop = () => void server.stop().then(() => process.exit(0));
process.once("SIGTERM", stop).once("SIGINT", stop);
