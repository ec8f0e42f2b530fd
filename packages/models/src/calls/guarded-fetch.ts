import { modelErrors } from "../errors.ts";

// Far above any answer; a server that sends more is broken or not a model server.
const largestResponseBytes = 32 * 1024 * 1024;

/**
 * A fetch for providers that gives up when a response has begun and then falls silent, and that
 * bounds its size. Redirects are refused: they would carry the text to a server nobody named.
 */
export function createGuardedFetch(options: {
  readonly model: string;
  readonly idleTimeoutMs: number;
}): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await globalThis.fetch(input, { ...init, redirect: "error" });
    if (response.body === null) return response;
    const body = response.body.pipeThrough(idleGuard(options));
    return new Response(body, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}

function idleGuard(options: {
  readonly model: string;
  readonly idleTimeoutMs: number;
}): TransformStream<Uint8Array, Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  let received = 0;
  const watch = (controller: TransformStreamDefaultController<Uint8Array>) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      controller.error(modelErrors.timedOut({ model: options.model, timeoutMs: options.idleTimeoutMs }));
    }, options.idleTimeoutMs);
    timer.unref();
  };
  return new TransformStream({
    start: watch,
    transform(chunk, controller) {
      received += chunk.byteLength;
      if (received > largestResponseBytes) {
        clearTimeout(timer);
        controller.error(modelErrors.badOutput({ model: options.model, details: { received } }));
        return;
      }
      controller.enqueue(chunk);
      watch(controller);
    },
    flush: () => clearTimeout(timer),
    cancel: () => clearTimeout(timer),
  });
}
