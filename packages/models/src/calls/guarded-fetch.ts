import { modelErrors } from "../errors.ts";
import { withReadableCounts } from "./readable-counts.ts";

// Far above any answer; a server that sends more is broken or not a model server.
const largestResponseBytes = 32 * 1024 * 1024;
// Of an event stream. Readers keep a line until it ends, and look through all of it with each new piece.
const longestLineBytes = 4 * 1024 * 1024;

/**
 * A fetch for providers that gives up when a whole response has begun and then falls silent, and that bounds
 * its size. Counts of tokens that are given as text are read. Redirects are refused: they would carry the text to
 * a server nobody named.
 */
export function createGuardedFetch(options: Bounds): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await globalThis.fetch(input, { ...init, redirect: "error" });
    if (response.body === null) return response;
    const type = response.headers.get("content-type") ?? "";
    const body = type.includes("application/json")
      ? await readWhole(response.body, options)
      : response.body.pipeThrough(idleGuard({ ...options, isEventStream: type.includes("event-stream") }));
    return new Response(body, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}

type Bounds = { readonly model: string; readonly idleTimeoutMs: number };

/**
 * A body in one piece costs less than one that is passed on piece by piece. What goes wrong with it is found by
 * whoever reads it, as with the other.
 */
async function readWhole(
  body: ReadableStream<Uint8Array>,
  { model, idleTimeoutMs }: Bounds,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream> {
  const reader = body.getReader();
  const fallen = Promise.withResolvers<never>();
  const timer = setTimeout(() => fallen.reject(fellSilent({ model, idleTimeoutMs })), idleTimeoutMs);
  timer.unref();
  const pieces: Uint8Array[] = [];
  let received = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), fallen.promise]);
      if (done) return withReadableCounts(Buffer.concat(pieces));
      received += value.byteLength;
      if (received > largestResponseBytes)
        throw modelErrors.responseTooLarge({ model, details: { received } });
      pieces.push(value);
      timer.refresh();
    }
  } catch (error) {
    void reader.cancel(error).catch(() => undefined);
    return new ReadableStream({ start: (controller) => controller.error(error) });
  } finally {
    clearTimeout(timer);
  }
}

function fellSilent({ model, idleTimeoutMs: timeoutMs }: Bounds): Error {
  const details = { phase: "between_chunks" };
  return modelErrors.timedOut({ model, timeoutMs, setting: "MODEL_IDLE_TIMEOUT_MS", details });
}

const newLine = 10;

function idleGuard(
  options: Bounds & { readonly isEventStream: boolean },
): TransformStream<Uint8Array, Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  let received = 0;
  let lineBytes = 0;
  const watch = (controller: TransformStreamDefaultController<Uint8Array>) => {
    clearTimeout(timer);
    // Of a stream the pieces are timed, not the bytes: signs of life are not an answer.
    if (options.isEventStream) return;
    timer = setTimeout(() => controller.error(fellSilent(options)), options.idleTimeoutMs);
    timer.unref();
  };
  return new TransformStream({
    start: watch,
    transform(chunk, controller) {
      received += chunk.byteLength;
      const lineEnd = options.isEventStream ? chunk.lastIndexOf(newLine) : chunk.byteLength - 1;
      lineBytes = lineEnd === -1 ? lineBytes + chunk.byteLength : chunk.byteLength - 1 - lineEnd;
      if (received > largestResponseBytes || lineBytes > longestLineBytes) {
        clearTimeout(timer);
        controller.error(modelErrors.responseTooLarge({ model: options.model, details: { received } }));
        return;
      }
      controller.enqueue(withReadableCounts(chunk));
      watch(controller);
    },
    flush: () => clearTimeout(timer),
    cancel: () => clearTimeout(timer),
  });
}
