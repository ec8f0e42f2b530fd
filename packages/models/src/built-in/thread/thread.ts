import { Worker } from "node:worker_threads";
import { MillraceError, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { modelErrors } from "../../errors.ts";
import type { ThreadAnswer, ThreadQuestions, ThreadRequest } from "./protocol.ts";

type Waiting = {
  readonly message: ThreadRequest;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
};

// Each waiting text is held in memory; beyond this the work should wait in its queue instead.
const mostWaiting = 200;
// English model 66 MB, a megabyte of text read into words about 150 MB.
const memoryMegabytes = 768;

/**
 * Runs the built-in model's CPU work beside the main thread, one request at a time. The thread starts
 * with the first request, is ended by a time limit, a cancelled request or `stop`, and starts anew
 * for the next one.
 */
export class BuiltInThread implements Service {
  readonly name = "built-in model";
  readonly #logger: Logger;
  readonly #entry: URL;
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `entry` is the module that runs in the thread; tests give one that misbehaves. */
  constructor(logger: Logger, entry: URL = new URL("./worker.ts", import.meta.url)) {
    this.#logger = logger;
    this.#entry = entry;
  }

  async start(): Promise<void> {
    // The thread starts with the first request: a process that has a chat model may never need it.
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const waiting of this.#queue.splice(0)) waiting.reject(modelErrors.builtInStopped());
    this.#takeCurrent()?.reject(modelErrors.builtInStopped());
    await this.#endWorker();
  }

  /**
   * Asks the thread. Throws `model_timeout`, `built_in_model_stopped`, `built_in_model_crashed`,
   * `built_in_model_busy`, the signal's reason, or what the operation itself throws.
   */
  ask<Name extends keyof ThreadQuestions>(
    question: Name,
    request: ThreadQuestions[Name]["request"],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ThreadQuestions[Name]["answer"]> {
    if (this.#isStopped) return Promise.reject(modelErrors.builtInStopped());
    if (this.#queue.length >= mostWaiting) return Promise.reject(modelErrors.builtInBusy());
    if (options.signal?.aborted === true) return Promise.reject(toError(options.signal.reason));
    return new Promise((resolve, reject) => {
      // The question's name decides the type of its request, which the compiler can't pair up here.
      const message = { question, request } as ThreadRequest;
      const waiting = settleOnce({ message, ...pick(options), resolve, reject }, this.#onAbort);
      this.#queue.push(waiting);
      this.#next();
    });
  }

  #next(): void {
    if (this.#current !== undefined || this.#isStopped) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#current = waiting;
    this.#timer = setTimeout(() => this.#abandon(waiting, timeoutError(waiting)), waiting.timeoutMs);
    const worker = (this.#worker ??= this.#startWorker());
    worker.ref();
    worker.postMessage(waiting.message);
  }

  /** Takes the running request off the thread; whoever calls this answers it. */
  #takeCurrent(): Waiting | undefined {
    clearTimeout(this.#timer);
    const current = this.#current;
    this.#current = undefined;
    return current;
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#entry, {
      name: "millrace-built-in-model",
      resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
      // The thread needs nothing of the process: no secrets from its environment, no flags of a debugger.
      env: {},
      execArgv: [],
    });
    worker.on("message", (answer: ThreadAnswer) => {
      if (this.#worker !== worker) return;
      const waiting = this.#takeCurrent();
      if (answer.ok) waiting?.resolve(answer.answer);
      else waiting?.reject(new MillraceError(answer.error));
      this.#next();
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.once("exit", () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#logger.warn({ err: toError(failure) }, "the built-in model's thread died and is started anew");
      this.#takeCurrent()?.reject(modelErrors.builtInCrashed(failure));
      this.#next();
    });
    return worker;
  }

  readonly #onAbort = (waiting: Waiting): void => {
    const position = this.#queue.indexOf(waiting);
    if (position >= 0) {
      this.#queue.splice(position, 1);
      waiting.reject(toError(waiting.signal?.reason));
    } else if (this.#current === waiting) {
      this.#abandon(waiting, toError(waiting.signal?.reason));
    }
  };

  /** A computation can't be interrupted from outside: its thread ends and the next request gets a new one. */
  #abandon(waiting: Waiting, error: Error): void {
    if (this.#current !== waiting) return;
    this.#takeCurrent()?.reject(error);
    void this.#endWorker().then(() => this.#next());
  }

  async #endWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function pick(options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }) {
  return { timeoutMs: options.timeoutMs, signal: options.signal };
}

/** Ties the request to its signal until it is answered, so that long-lived signals keep no listeners. */
function settleOnce(request: Waiting, onAbort: (waiting: Waiting) => void): Waiting {
  const listener = () => onAbort(waiting);
  const release = () => request.signal?.removeEventListener("abort", listener);
  const waiting: Waiting = {
    ...request,
    resolve: (answer) => {
      release();
      request.resolve(answer);
    },
    reject: (error) => {
      release();
      request.reject(error);
    },
  };
  request.signal?.addEventListener("abort", listener, { once: true });
  return waiting;
}

function timeoutError(waiting: Waiting): Error {
  return modelErrors.timedOut({ model: "builtin", timeoutMs: waiting.timeoutMs });
}
