import type { ServerResponse } from "node:http";
import type { Behaviour, ModelCall } from "./behaviour.ts";
import { dropInTheMiddle, sendGarbageStream, sendProblem } from "./respond.ts";

const signOfLifeMs = 20;

/** Carries out a behaviour that is no answer of any kind. Returns whether it did. */
export function fail(behaviour: Behaviour, call: ModelCall, response: ServerResponse): boolean {
  switch (behaviour.kind) {
    case "rate_limit":
      for (const [name, value] of retryHeaders(behaviour)) response.setHeader(name, value);
      sendProblem(response, 429, "rate_limit_exceeded", "Too many requests.");
      return true;
    case "server_error":
      sendProblem(response, behaviour.status ?? 500, "server_error", "The model failed.");
      return true;
    case "refuse":
      sendProblem(response, behaviour.status, behaviour.code ?? "invalid_request_error", "Refused.");
      return true;
    case "redirect":
      response.writeHead(307, { location: behaviour.location }).end();
      return true;
    case "unauthorized":
      sendProblem(response, 401, "invalid_api_key", "Incorrect API key provided.");
      return true;
    case "hang":
      return true;
    case "hang_after_headers":
      hangAfterHeaders(response, behaviour.isAlive === true);
      return true;
    case "drop_connection":
      dropInTheMiddle(response, call.isStream);
      return true;
    case "garbage_stream":
      sendGarbageStream(response);
      return true;
    default:
      return false;
  }
}

function retryHeaders(behaviour: Extract<Behaviour, { kind: "rate_limit" }>): Array<[string, string]> {
  const { retryAfterSeconds, retryAfter, retryAfterMs } = behaviour;
  const value = retryAfter ?? (retryAfterSeconds === undefined ? undefined : String(retryAfterSeconds));
  return [
    ...(value === undefined ? [] : [["retry-after", value] as [string, string]]),
    ...(retryAfterMs === undefined ? [] : [["retry-after-ms", String(retryAfterMs)] as [string, string]]),
  ];
}

function hangAfterHeaders(response: ServerResponse, isAlive: boolean): void {
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  if (!isAlive) return;
  const timer = setInterval(() => response.write(": still here\n\n"), signOfLifeMs);
  response.once("close", () => clearInterval(timer));
}
