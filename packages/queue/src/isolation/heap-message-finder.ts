const message = "JavaScript heap out of memory";

/** Looks for the last words of a process whose heap is full in what it writes to standard error. */
export class HeapMessageFinder {
  #end = "";
  #isFound = false;

  get isFound(): boolean {
    return this.#isFound;
  }

  read(chunk: Buffer): void {
    const text = this.#end + chunk.toString("latin1");
    this.#isFound ||= text.includes(message);
    // Chunks end anywhere, also within the message.
    this.#end = text.slice(-message.length);
  }
}
