import type { WebSocket } from "@fastify/websocket";
import { closeCodes } from "@millrace/contracts";
import { newId, systemClock, toError } from "@millrace/kernel";
import type { Access, Clock, Logger, MillraceError } from "@millrace/kernel";
import type { FastifyRequest } from "fastify";
import { AccessGuard } from "../access-guard.ts";
import { closeCodeOf } from "../close-code.ts";
import { authenticationTooSlow, malformedFrame, toToldError, tooManyMessages } from "../errors.ts";
import { defaultSocketLimits } from "./limits.ts";
import type { SocketLimits } from "./limits.ts";
import { OutgoingQueue } from "./outgoing-queue.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Who is behind a request. Throws a MillraceError of kind unauthorized or forbidden for strangers. */
export type Authenticate = (request: FastifyRequest) => Promise<Access>;

export type ConnectionOptions = {
  readonly socket: WebSocket;
  readonly request: FastifyRequest;
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  readonly limits?: Partial<SocketLimits>;
  readonly clock?: Clock;
  /**
   * The message that tells the client of a failure, in the words of the protocol spoken here. `text` is the message
   * that was dropped for it, if one was.
   */
  readonly errorMessage: (error: MillraceError, text?: string) => string;
  /** Runs once, when it is known who connected. Until it has ended, messages wait. */
  readonly onOpen: (connection: Connection) => Promise<void> | void;
  /** Runs for one text message after the other. What it throws is told to the client. */
  readonly onText: (connection: Connection, text: string) => Promise<void> | void;
};

/**
 * One WebSocket with everything every socket of the product needs: who it is and whether that still
 * holds, heartbeat, limits in both directions, and a close that always ends. Handlers of messages
 * are attached before anything is awaited, so none is lost.
 */
export class Connection {
  readonly id = newId();
  /** Aborts when the socket has closed or is closing. */
  readonly signal: AbortSignal;
  readonly limits: SocketLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #closing = new AbortController();
  readonly #outgoing: OutgoingQueue;
  readonly #incoming: TokenBucket;
  readonly #identity: AccessGuard;
  #access: Access | undefined;
  #work: Promise<void>;
  #waitingTexts = 0;
  #offences = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #goodbye: NodeJS.Timeout | undefined;
  #hasAnswered = true;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.signal = this.#closing.signal;
    this.limits = { ...defaultSocketLimits, ...options.limits };
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger.child({ socket: this.id });
    this.#outgoing = new OutgoingQueue(this.#socket, this.limits, () => {
      this.close(closeCodes.slowClient, "too slow; connect again with the last number seen");
    });
    this.#incoming = new TokenBucket({
      perSecond: this.limits.messagesPerSecond,
      burst: this.limits.messageBurst,
      clock: this.clock,
    });
    this.#identity = new AccessGuard({
      check: () => this.#identify(),
      everyMs: this.limits.recheckMs,
      clock: this.clock,
    });
    this.#listen();
    this.#work = this.#open();
  }

  /** On whose behalf this socket acts. Only valid from `onOpen` on. */
  get access(): Access {
    if (this.#access === undefined) throw new Error("nobody has been authenticated on this socket yet");
    return this.#access;
  }

  /** Sends a message; false when the socket is closed or the client too slow (it is closed then). */
  send(message: string | Buffer): boolean {
    return this.#outgoing.push(message);
  }

  /** Waits until the client has taken enough for another message; false when it is gone. */
  room(): Promise<boolean> {
    return this.#outgoing.room();
  }

  /** Tells the client of a failure, with the message dropped for it. A surprise is logged, and its words stay here. */
  sendError(thrown: unknown, text?: string): void {
    this.send(this.#options.errorMessage(this.describe(thrown), text));
  }

  /** A failure as the client may see it; logs surprises. */
  describe(thrown: unknown): MillraceError {
    const error = toToldError(thrown);
    // A database that is away is away for thousands at once; whoever reads for them all has said so.
    if (error.code === "internal_error")
      this.logger.error({ err: toError(thrown) }, "a live subscription failed");
    return error;
  }

  /** Counts a message that should not have been sent; the fifth closes the socket. */
  offend(error: unknown, text?: string): void {
    this.sendError(error, text);
    this.#offences += 1;
    if (this.#offences >= this.limits.maxOffences) this.close(1008, "too many messages not understood");
  }

  /** Whether the person is still who they were, asked again when the last answer is too old. */
  async isStillKnown(): Promise<boolean> {
    try {
      return await this.#identity.isAllowed();
    } catch (error) {
      this.#refuse(error);
      return false;
    }
  }

  /** Closes the socket. A client that does not answer the close is cut off. */
  close(code: number, reason: string): void {
    if (this.signal.aborted) return;
    this.#end();
    this.#socket.close(code, reason);
    this.#goodbye = setTimeout(() => this.#socket.terminate(), this.limits.closeMs);
    this.#goodbye.unref();
  }

  #listen(): void {
    this.#socket.on("message", (content, isBinary) => {
      if (!isBinary) this.#receive(content);
      else if (!this.signal.aborted) this.offend(malformedFrame());
    });
    this.#socket.on("pong", () => {
      this.#hasAnswered = true;
    });
    this.#socket.on("close", () => {
      this.#end();
      clearTimeout(this.#goodbye);
    });
    this.#heartbeat = setInterval(() => this.#beat(), this.limits.heartbeatMs);
    this.#heartbeat.unref();
  }

  #receive(content: Buffer | ArrayBuffer | Buffer[]): void {
    if (this.signal.aborted) return;
    const isBusy = this.#waitingTexts >= this.limits.messageBurst;
    if (!this.#incoming.take() || isBusy) {
      this.offend(tooManyMessages(this.limits.messagesPerSecond), textOf(content));
      return;
    }
    const text = textOf(content);
    this.#waitingTexts += 1;
    this.#work = this.#work.then(async () => {
      this.#waitingTexts -= 1;
      if (this.signal.aborted) return;
      try {
        await this.#options.onText(this, text);
      } catch (error) {
        this.sendError(error);
      }
    });
  }

  #beat(): void {
    if (!this.#hasAnswered) {
      this.#socket.terminate();
      return;
    }
    this.#hasAnswered = false;
    this.#socket.ping();
    // A quiet socket is looked at too, so that a session that ended does not stay connected for ever.
    if (this.#access !== undefined) void this.isStillKnown();
  }

  async #open(): Promise<void> {
    if (!(await this.isStillKnown()) || this.signal.aborted) return;
    try {
      await this.#options.onOpen(this);
    } catch (error) {
      this.#refuse(error);
    }
  }

  async #identify(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(authenticationTooSlow()), this.limits.authenticateMs);
    });
    try {
      this.#access = await Promise.race([this.#options.authenticate(this.#options.request), late]);
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  #refuse(error: unknown): void {
    this.sendError(error);
    this.close(closeCodeOf(error), toToldError(error).code);
  }

  #end(): void {
    clearInterval(this.#heartbeat);
    this.#outgoing.close();
    this.#closing.abort();
  }
}

function textOf(content: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(content)) return Buffer.concat(content).toString("utf8");
  return Buffer.isBuffer(content) ? content.toString("utf8") : Buffer.from(content).toString("utf8");
}

/** Takes over a socket that has just opened, and looks after it until it closes. */
export function acceptSocket(options: ConnectionOptions): Connection {
  return new Connection(options);
}
