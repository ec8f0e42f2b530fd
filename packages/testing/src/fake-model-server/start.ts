import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sleep, toError } from "@millrace/kernel";
import { z } from "zod";
import { Barriers } from "./barriers.ts";
import { behaviourSchema } from "./behaviour.ts";
import type { Behaviour, BehaviourScript, ModelCall } from "./behaviour.ts";
import { CallLog } from "./call-log.ts";
import { fail } from "./failures.ts";
import { chatRequestSchema, embeddingsRequestSchema } from "./requests.ts";
import { sendEmbeddings, sendJson, sendProblem } from "./respond.ts";
import { sendChat } from "./send-chat.ts";

export type FakeModelServerOptions = {
  /** 0 picks a free port. */
  readonly port: number;
  readonly script?: BehaviourScript;
  /** Before every response, on top of what a behaviour says. Default 0. */
  readonly delayMs?: number;
  /** Length of embedding vectors when a request does not say. Default 256. */
  readonly dimensions?: number;
  /** File for one JSON line at the start and the end of each call. */
  readonly logFile?: string;
};

export type FakeModelServer = {
  /** What goes into CHAT_URL and EMBEDDING_URL; ends in /v1. */
  readonly url: string;
  /** Every call so far, oldest first; entries change while they run. */
  readonly calls: readonly ModelCall[];
  /** Replaces the script from the next request on. */
  readonly setScript: (script: BehaviourScript) => void;
  /** Lets requests held at this barrier go on, now and in future. */
  readonly release: (barrier: string) => void;
  /** Cuts all connections and closes the port. */
  readonly stop: () => Promise<void>;
};

const maxBodyBytes = 20 * 1024 * 1024;

/**
 * An OpenAI-compatible server for tests: chat completions with and without streaming, embeddings and
 * the model list, with any failure on request. Other processes script it over HTTP:
 * `GET /control/calls`, `POST /control/script` (a JSON list), `POST /control/release/NAME`.
 */
export async function startFakeModelServer(options: FakeModelServerOptions): Promise<FakeModelServer> {
  const log = new CallLog(options.logFile);
  const barriers = new Barriers();
  let nextBehaviour = behaviourSource(options.script ?? []);

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const closed = new AbortController();
    response.once("close", () => closed.abort());
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const body = await readBody(request);
    if (path.startsWith("/control/")) return control(path, body, response);
    const call = newCall(log.nextNumber(), path, request, body);
    const behaviour = nextBehaviour(call);
    call.behaviour = behaviour.kind;
    log.started(call);
    response.once("finish", () => log.ended(call, "answered"));
    response.once("close", () => log.ended(call, "aborted"));
    await sleep((options.delayMs ?? 0) + (behaviour.delayMs ?? 0), closed.signal);
    if (behaviour.kind === "hold") await barriers.wait(behaviour.barrier, closed.signal);
    if (fail(behaviour, call, response)) return;
    await respond({
      call,
      behaviour,
      response,
      signal: closed.signal,
      dimensions: options.dimensions ?? 256,
    });
  };

  const control = (path: string, body: unknown, response: ServerResponse): void => {
    if (path === "/control/calls") return sendJson(response, 200, log.calls);
    if (path.startsWith("/control/release/")) {
      barriers.release(decodeURIComponent(path.slice("/control/release/".length)));
      return sendJson(response, 200, {});
    }
    const script = path === "/control/script" ? z.array(behaviourSchema).safeParse(body) : undefined;
    if (script?.success !== true) return sendProblem(response, 400, "invalid_request_error", "Not a script.");
    nextBehaviour = behaviourSource(script.data);
    return sendJson(response, 200, {});
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      // The client has gone, which tests do on purpose; anything else is a fault of this server.
      if (response.destroyed || response.headersSent) response.destroy();
      else sendProblem(response, 500, "fake_server_failed", toError(thrown).message);
    });
  });
  const port = await listen(server, options.port);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls: log.calls,
    setScript: (script) => {
      nextBehaviour = behaviourSource(script);
    },
    release: (barrier) => barriers.release(barrier),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Exchange = {
  readonly call: ModelCall;
  readonly behaviour: Behaviour;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly dimensions: number;
};

async function respond({ call, behaviour, response, signal, dimensions }: Exchange): Promise<void> {
  if (call.kind === "chat") {
    const request = chatRequestSchema.safeParse(call.body);
    if (request.success) return sendChat(response, request.data, { behaviour, call, signal });
    sendProblem(response, 400, "invalid_request_error", z.prettifyError(request.error));
  } else if (call.kind === "embeddings") {
    const request = embeddingsRequestSchema.safeParse(call.body);
    if (request.success) sendEmbeddings(response, request.data, { dimensions, behaviour, call });
    else sendProblem(response, 400, "invalid_request_error", z.prettifyError(request.error));
  } else if (call.kind === "models") {
    const data = ["fake-chat", "fake-embedding"].map((id) => ({ id, object: "model", owned_by: "tests" }));
    sendJson(response, 200, { object: "list", data });
  } else sendProblem(response, 404, "not_found", `There is nothing at ${call.path}.`);
}

function behaviourSource(script: BehaviourScript): (call: ModelCall) => Behaviour {
  if (typeof script === "function") return (call) => script(call) ?? { kind: "answer" };
  const waiting = [...script];
  return (call) => (call.kind === "models" ? undefined : waiting.shift()) ?? { kind: "answer" };
}

function newCall(number: number, path: string, request: IncomingMessage, body: unknown): ModelCall {
  const header = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    number,
    kind: kindOf(path),
    path,
    startedAt: new Date().toISOString(),
    step: header("x-millrace-step"),
    job: header("x-millrace-job"),
    purpose: header("x-millrace-purpose"),
    isStream: typeof body === "object" && body !== null && "stream" in body && body.stream === true,
    authorization: header("authorization"),
    body,
    behaviour: "answer",
    usage: undefined,
    endedAt: undefined,
    outcome: "running",
  };
}

function kindOf(path: string): ModelCall["kind"] {
  if (path.endsWith("/chat/completions")) return "chat";
  if (path.endsWith("/embeddings")) return "embeddings";
  return path.endsWith("/models") ? "models" : "unknown";
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array); // Without an encoding, streams of requests give bytes.
    size += bytes.length;
    if (size > maxBodyBytes) throw new Error(`The request is larger than ${maxBodyBytes} bytes.`);
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port.");
  return address.port;
}
