import { modelErrors } from "../errors.ts";

/** How long each part of a call may take, in milliseconds. */
export type DeadlineTimes = {
  /** Until the server begins to answer a request whose answer is streamed. */
  readonly firstByteMs: number;
  /** From then until the first piece of the answer: a server may say that it lives and nothing more. */
  readonly firstChunkMs: number;
  /** Between two pieces. */
  readonly idleMs: number;
  /** The whole call. */
  readonly totalMs: number;
};

export type Deadlines = {
  /** Aborts with `model_timeout`, whose details say which part took too long. */
  readonly signal: AbortSignal;
  readonly awaitFirstByte: () => void;
  readonly awaitFirstChunk: () => void;
  readonly awaitNextChunk: () => void;
  readonly stop: () => void;
};

const settingOf = {
  first_byte: "MODEL_FIRST_BYTE_TIMEOUT_MS",
  first_chunk: "MODEL_FIRST_CHUNK_TIMEOUT_MS",
  between_chunks: "MODEL_IDLE_TIMEOUT_MS",
  total: "MODEL_TIMEOUT_MS",
} as const;

/** Begins to count the time of one call. `stop` must follow, however the call ends. */
export function startDeadlines(model: string, times: DeadlineTimes): Deadlines {
  const controller = new AbortController();
  let part: NodeJS.Timeout | undefined;
  const expireAfter = (phase: keyof typeof settingOf, timeoutMs: number) =>
    setTimeout(() => {
      const details = { phase };
      controller.abort(modelErrors.timedOut({ model, timeoutMs, setting: settingOf[phase], details }));
    }, timeoutMs);
  const total = expireAfter("total", times.totalMs);
  const begin = (phase: keyof typeof settingOf, timeoutMs: number) => {
    clearTimeout(part);
    part = expireAfter(phase, timeoutMs);
  };
  let isBetweenChunks = false;
  return {
    signal: controller.signal,
    awaitFirstByte: () => begin("first_byte", times.firstByteMs),
    awaitFirstChunk: () => begin("first_chunk", times.firstChunkMs),
    awaitNextChunk: () => {
      // A timer of its own for each piece would cost more than reading the piece.
      if (isBetweenChunks) part?.refresh();
      else begin("between_chunks", times.idleMs);
      isBetweenChunks = true;
    },
    stop: () => {
      clearTimeout(total);
      clearTimeout(part);
    },
  };
}
