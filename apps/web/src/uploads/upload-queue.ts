import type { AcceptedDocument } from "@millrace/contracts";
import { isFinalRefusal, problemText } from "../api/problem.ts";
import type { SendOptions } from "./send-file.ts";

export type Upload = {
  readonly id: string;
  readonly file: File;
  readonly state: "waiting" | "sending" | "refused" | "failed";
  /** 0 to 1. */
  readonly share: number;
  readonly reason: string | undefined;
};

/** How far the files are that were added since nothing was on its way. */
export type UploadProgress = {
  readonly files: number;
  /** Taken in by the server. */
  readonly done: number;
  /** Of the bytes of all, 0 to 1. */
  readonly share: number;
};

export type UploadQueueOptions = {
  readonly send: (options: SendOptions) => Promise<AcceptedDocument>;
  /** Why a file is refused before it is sent, or undefined. */
  readonly refusalOf: (file: File) => string | undefined;
  readonly onAccepted: (accepted: AcceptedDocument) => void;
  readonly newKey: () => string;
};

/** Hears of each file that was refused or failed, and what was thrown. */
type UploadProblemListener = (upload: Upload, thrown: unknown) => void;

/** More at once would only make each slower, and the first results later. */
const sentAtOnce = 2;

/**
 * The files on their way to the server. It outlives pages, so that an upload goes on while the
 * reader looks at something else. A finished upload leaves it: then there is a document.
 */
export class UploadQueue {
  readonly #options: UploadQueueOptions;
  readonly #listeners = new Set<() => void>();
  readonly #problemListeners = new Set<UploadProblemListener>();
  readonly #aborts = new Map<string, AbortController>();
  #uploads: readonly Upload[] = [];
  /** Those that have left the list because they are documents now. */
  #done = { files: 0, bytes: 0 };
  #progress: UploadProgress = { files: 0, done: 0, share: 0 };

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  /** The same array until something changes. */
  get uploads(): readonly Upload[] {
    return this.#uploads;
  }

  /** One progress over all of them; the same object until something changes. */
  get progress(): UploadProgress {
    return this.#progress;
  }

  /** Whether a file is on its way or waits for its turn. */
  get isSending(): boolean {
    return this.#uploads.some(isUnderWay);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onProblem(listener: UploadProblemListener): () => void {
    this.#problemListeners.add(listener);
    return () => this.#problemListeners.delete(listener);
  }

  add(files: readonly File[]): void {
    const added = files.map((file): Upload => {
      const reason = this.#options.refusalOf(file);
      const state = reason === undefined ? "waiting" : "refused";
      return { id: this.#options.newKey(), file, state, share: 0, reason };
    });
    if (!this.isSending) this.#done = { files: 0, bytes: 0 };
    this.#set([...this.#uploads, ...added]);
    for (const upload of added) {
      if (upload.reason !== undefined) this.#tellProblem(upload, new Error(upload.reason));
    }
    this.#sendNext();
  }

  /** Stops all that has not arrived. */
  removeAll(): void {
    for (const abort of this.#aborts.values()) abort.abort(new Error("The uploads were cancelled"));
    this.#set(this.#uploads.filter((upload) => !isUnderWay(upload)));
  }

  /** Sends a failed file again, under the same key: the server takes it once. */
  retry(id: string): void {
    this.#change(id, { state: "waiting", share: 0, reason: undefined });
    this.#sendNext();
  }

  /** Stops a file on its way, or forgets one that was refused or failed. */
  remove(id: string): void {
    this.#aborts.get(id)?.abort(new Error("The upload was cancelled"));
    this.#set(this.#uploads.filter((upload) => upload.id !== id));
    this.#sendNext();
  }

  #sendNext(): void {
    const free = sentAtOnce - this.#uploads.filter(({ state }) => state === "sending").length;
    const next = this.#uploads.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free));
    for (const upload of next) void this.#send(upload);
  }

  async #send(upload: Upload): Promise<void> {
    const { id, file } = upload;
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    this.#change(id, { state: "sending" });
    try {
      const accepted = await this.#options.send({
        file,
        idempotencyKey: id,
        signal: abort.signal,
        onProgress: (share) => this.#change(id, { share }),
      });
      this.#done = { files: this.#done.files + 1, bytes: this.#done.bytes + file.size };
      this.#set(this.#uploads.filter((upload) => upload.id !== id));
      this.#options.onAccepted(accepted);
    } catch (error) {
      if (!abort.signal.aborted) {
        const state = isFinalRefusal(error) ? "refused" : "failed";
        const changes = { state, reason: problemText(error) } as const;
        this.#change(id, changes);
        this.#tellProblem({ ...upload, ...changes }, error);
      }
    } finally {
      this.#aborts.delete(id);
      this.#sendNext();
    }
  }

  #tellProblem(upload: Upload, thrown: unknown): void {
    for (const listener of this.#problemListeners) listener(upload, thrown);
  }

  #measure(): UploadProgress {
    const underWay = this.#uploads.filter(isUnderWay);
    const bytes = sum(underWay.map(({ file }) => file.size)) + this.#done.bytes;
    const sent = sum(underWay.map(({ file, share }) => file.size * share)) + this.#done.bytes;
    return {
      files: underWay.length + this.#done.files,
      done: this.#done.files,
      share: bytes === 0 ? 0 : sent / bytes,
    };
  }

  #change(id: string, changes: Partial<Upload>): void {
    this.#set(this.#uploads.map((upload) => (upload.id === id ? { ...upload, ...changes } : upload)));
  }

  #set(uploads: readonly Upload[]): void {
    this.#uploads = uploads;
    this.#progress = this.#measure();
    for (const listener of this.#listeners) listener();
  }
}

function isUnderWay({ state }: Upload): boolean {
  return state === "waiting" || state === "sending";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
