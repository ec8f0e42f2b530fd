import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { closeCodes, jobSchema } from "@millrace/contracts";
import { SocketClient } from "@millrace/live/testing";
import { waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addJob, Fleet, readJob } from "./fleet.ts";
import { rolesProgram } from "./roles-program.ts";

let fleet: Fleet;
let leaving: RunningMillrace;
let staying: RunningMillrace;

beforeAll(async () => {
  fleet = await Fleet.open(rolesProgram);
  leaving = await fleet.start(["api"], { API_DRAIN_SECONDS: "3" });
  staying = await fleet.start(["api"]);
});
afterAll(() => fleet.close());

it("answers every request that it took before it ends, and tells those who come to go elsewhere", async () => {
  const socket = await new SocketClient(`${leaving.url.replace("http", "ws")}/api/ws`, [
    "millrace.v1",
  ]).opened();
  const held = await addJob(leaving, "roles.answer");
  const waiting = fetch(`${leaving.url}/api/jobs/${held}`, { headers: { prefer: "wait=30" } });
  let isOver = false;
  const clients = Array.from({ length: 8 }, () => keepAdding(() => isOver));
  await waitFor(async () => (await readyStatus()) === 200, { describe: "load" });

  leaving.process.kill("SIGTERM");
  const refused = await waitFor(async () => ((await readyStatus()) === 503 ? 503 : undefined), {
    describe: "a process that is not ready any more",
  });
  await waitFor(() => leaving.process.exitCode !== null, { describe: "its end" });
  isOver = true;
  const ids = (await Promise.all(clients)).flat();
  const found = await Promise.all(ids.map(async (id) => (await readJob(staying, id)).id));

  expect(refused).toBe(503);
  expect(leaving.process.exitCode).toBe(0);
  expect(ids.length).toBeGreaterThan(8);
  expect(found).toEqual(ids);
  expect((await waiting).status).toBe(200);
  expect((await socket.closed).code).toBe(closeCodes.restart);
});

/**
 * Adds jobs one after the other over a kept connection, and turns to the other server when it is told that
 * this one closes it, as a balancer does. Rejects when a request is not answered, or not with 202.
 */
async function keepAdding(isOver: () => boolean): Promise<string[]> {
  const ids: string[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let server = leaving;
  while (!isOver()) {
    const response = await post(`${server.url}/api/tasks/roles.answer/jobs`, agent);
    if (response.headers.connection === "close") server = staying;
    ids.push(jobSchema.parse(await json(response)).id);
  }
  agent.destroy();
  return ids;
}

function post(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    request(url, { method: "POST", agent, headers }, resolve).on("error", reject).end('{"input":{}}');
  });
}

async function readyStatus(): Promise<number> {
  return (await fetch(`${leaving.url}/readyz`)).status;
}
