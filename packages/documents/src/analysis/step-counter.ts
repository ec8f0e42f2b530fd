export type StepProgress = { readonly done: number; readonly total: number };

/** Counts the steps of a part and tells who wants to know. */
export class StepCounter {
  readonly #onProgress: ((progress: StepProgress) => void) | undefined;
  #done = 0;
  #total = 0;

  constructor(onProgress: ((progress: StepProgress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  expect(steps: number): void {
    this.#total += steps;
  }

  finish(): void {
    this.#done += 1;
    this.#onProgress?.({ done: this.#done, total: this.#total });
  }
}
