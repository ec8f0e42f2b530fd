import { createReadStream } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { sleep, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { fileInfected, virusScannerFailed, virusScannerUnavailable } from "./errors.ts";
import type { ExtractionWarning } from "./extracted-text.ts";
import type { VirusSettings } from "./settings.ts";

/** A file of 100 MB takes the daemon some ten seconds; its own limit is two minutes. */
const defaultTimeoutMs = 150_000;

/** Between pieces of 64 kB for a daemon that has left before the end: some seconds for 100 MB. */
const slowPieceMs = 3;

/** An answer is one line; more is no ClamAV. */
const maxAnswerBytes = 4_096;

/** Asks a ClamAV daemon about files before they are read. */
export type VirusScanner = {
  /**
   * Resolves for a clean file; with a warning when the daemon could not say and `CLAMAV_ON_FAILURE` is
   * `accept`. Throws `file_infected`, and otherwise `virus_scanner_unavailable` (retryable) or
   * `virus_scan_failed`. Rejects with the signal's reason when it aborts.
   */
  readonly scan: (path: string, signal: AbortSignal) => Promise<readonly ExtractionWarning[]>;
};

/** Undefined when no daemon is configured. Connects for each file, and keeps nothing open. */
export function createVirusScanner(options: {
  readonly settings: VirusSettings;
  readonly logger: Logger;
  /** How long the daemon may be silent, in milliseconds. Default 150 s. */
  readonly timeoutMs?: number;
}): VirusScanner | undefined {
  const { settings, logger, timeoutMs = defaultTimeoutMs } = options;
  const address = settings.CLAMAV_ADDRESS;
  if (address === undefined) return undefined;
  return {
    scan: async (path, signal) => {
      signal.throwIfAborted();
      const answer = await ask(address, { path, signal, timeoutMs }).catch((error: unknown) => {
        signal.throwIfAborted();
        return toError(error);
      });
      const found = typeof answer === "string" ? /^stream: (.{1,200}) FOUND$/.exec(answer)?.[1] : undefined;
      if (found !== undefined) throw fileInfected(found);
      if (answer === "stream: OK") return [];
      const failure =
        typeof answer === "string" ? virusScannerFailed(answer) : virusScannerUnavailable(answer);
      if (settings.CLAMAV_ON_FAILURE === "refuse") throw failure;
      logger.warn({ err: failure }, "a file was not scanned for viruses");
      return [{ code: "not_scanned", message: `The file was not scanned for viruses. ${failure.message}` }];
    },
  };
}

type Question = { readonly path: string; readonly signal: AbortSignal; readonly timeoutMs: number };

/**
 * The daemon may answer and leave before it has everything: too large, or found in the beginning. A write after that
 * loses the answer unread, and looks as if the daemon had died. Asked again slowly, it is heard before the next piece.
 */
async function ask(address: string, question: Question): Promise<string> {
  try {
    return await askOnce(address, question, 0);
  } catch (error) {
    question.signal.throwIfAborted();
    if (!wasCutOff(error)) throw error;
    return await askOnce(address, question, slowPieceMs);
  }
}

function wasCutOff(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EPIPE" || error.code === "ECONNRESET");
}

/** The INSTREAM command: the file in pieces, each behind its length, and an empty one at the end. */
async function askOnce(
  address: string,
  { path, signal, timeoutMs }: Question,
  pieceMs: number,
): Promise<string> {
  const socket = open(address);
  const onAbort = (): void => void socket.destroy(toError(signal.reason));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.setTimeout(timeoutMs, () => void socket.destroy(new Error("it did not answer in time")));
  try {
    const answered = readAnswer(socket);
    // Without this a refusal that comes while the file is sent would have nobody to tell.
    answered.catch(() => undefined);
    await Promise.race([send(socket, path, pieceMs), answered]);
    return await answered;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

/** A path of a socket, or a host and a port. */
function open(address: string): Socket {
  if (address.startsWith("/")) return connect({ path: address });
  const at = address.lastIndexOf(":");
  return connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
}

async function send(socket: Socket, path: string, pieceMs: number): Promise<void> {
  await once(socket, "connect");
  socket.write("zINSTREAM\0");
  for await (const piece of createReadStream(path)) {
    if (pieceMs > 0) await sleep(pieceMs);
    if (!Buffer.isBuffer(piece) || !socket.writable) return;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(piece.length);
    socket.write(length);
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  }
  socket.write(Buffer.alloc(4));
}

function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    // What came before the connection broke counts.
    socket.on("data", (piece) => {
      answer += String(piece);
      if (answer.length > maxAnswerBytes) reject(new Error("it answered with more than a line"));
      if (answer.includes("\0")) resolve(answer.replace(/\0[\s\S]*$/, "").trim());
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (answer === "") reject(new Error("it closed the connection without an answer"));
      else resolve(answer.trim());
    });
  });
}
