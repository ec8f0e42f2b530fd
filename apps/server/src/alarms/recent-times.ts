type Sample = { readonly atMs: number; readonly ms: number };

/** How long something took, each time within the last while. */
export class RecentTimes {
  readonly #windowMs: number;
  #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(sample: Sample): void {
    this.#samples.push(sample);
    this.#samples = this.#samples.filter(({ atMs }) => atMs > sample.atMs - this.#windowMs);
  }

  get count(): number {
    return this.#samples.length;
  }

  /** So many of a hundred took at most this long: the smallest time that is true of. 0 without any. */
  percentile(percent: number): number {
    const sorted = this.#samples.map(({ ms }) => ms).toSorted((left, right) => left - right);
    return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
  }
}
