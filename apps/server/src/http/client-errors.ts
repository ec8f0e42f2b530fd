import type { Socket } from "node:net";
import { newId } from "@millrace/kernel";
import { problemContentType } from "./problem.ts";

type RawProblem = {
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly detail: string;
};

const malformed: RawProblem = {
  status: 400,
  title: "Bad Request",
  code: "malformed_request",
  detail: "This is not a request that HTTP allows. Check its headers and the length of its body.",
};

const byParserCode: Readonly<Record<string, RawProblem>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: "Request Header Fields Too Large",
    code: "headers_too_large",
    detail:
      "The headers of this request are larger than 16 KB. Delete cookies of this address, or send less.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: "Request Timeout",
    code: "request_timeout",
    detail: "The request did not arrive in time. Send it again over a faster connection.",
  },
};

/**
 * Answers what Node refuses before it is a request (broken or conflicting headers, too slow, too
 * large) and closes the connection: where the next request would begin is not known any more.
 */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
  headers: Readonly<Record<string, string>>,
): void {
  if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const { status, title, code, detail } = byParserCode[error.code ?? ""] ?? malformed;
  const requestId = newId();
  const body = JSON.stringify({ type: "about:blank", title, status, detail, code, request_id: requestId });
  const lines = Object.entries({
    ...headers,
    "cache-control": "no-store",
    "content-type": problemContentType,
    "content-length": String(Buffer.byteLength(body)),
    "x-request-id": requestId,
    connection: "close",
  }).map(([header, value]) => `${header}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${lines.join("")}\r\n${body}`, () => socket.destroy());
}
