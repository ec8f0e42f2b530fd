import type { AcceptedDocument } from "@millrace/contracts";
import { apiUrl } from "../api/client.ts";
import { ApiProblem, problemFrom, unreachableProblem } from "../api/problem.ts";

export type SendOptions = {
  readonly file: File;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** Called with 0 to 1 while the bytes go out. */
  readonly onProgress: (share: number) => void;
};

/** Uploads one file. XMLHttpRequest, because fetch does not report upload progress. */
export function sendFile({
  file,
  idempotencyKey,
  signal,
  onProgress,
}: SendOptions): Promise<AcceptedDocument> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.addEventListener("load", () => {
      try {
        resolve(readAnswer(request));
      } catch (error) {
        reject(error instanceof Error ? error : unreachableProblem());
      }
    });
    request.addEventListener("error", () => reject(unreachableProblem()));
    request.addEventListener("abort", () => reject(signal.reason as Error));
    request.open("POST", apiUrl("/documents"));
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("idempotency-key", `"${idempotencyKey}"`);
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });
}

function readAnswer(request: XMLHttpRequest): AcceptedDocument {
  if (request.status < 200 || request.status >= 300) {
    throw problemFrom({
      status: request.status,
      body: request.responseText,
      retryAfter: request.getResponseHeader("retry-after"),
    });
  }
  const answer: unknown = JSON.parse(request.responseText);
  if (typeof answer === "object" && answer !== null && "document" in answer)
    return answer as AcceptedDocument;
  throw new ApiProblem({
    code: "unreadable_answer",
    title: "Upload",
    detail:
      "The server's answer can't be read. Look whether the document is listed before you send it again.",
    status: request.status,
  });
}
