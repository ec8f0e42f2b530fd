/** So many entries are added to one table. */
const tableSize = 1_000;

/**
 * A map for what comes and goes by the thousand each second; like a `Map`, in the same order. When a `Map` is full of
 * deleted entries V8 copies it to a new table, to which the old one points. Once one of these tables is old, each
 * next one counts as in use until the whole heap is collected, and what it held is copied in each small collection
 * until then. Here entries that are added together have a table of their own, which goes when it is empty. (For a worker with
 * thousands of jobs a second that was half of all that was copied.)
 */
export class TurnoverMap<Key, Value> {
  /** In the order in which they were begun; all but the last have entries. */
  readonly #tables: Map<Key, Value>[] = [];
  /** To the last table, also those that are gone. */
  #added = tableSize;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    return this.#tableOf(key)?.get(key);
  }

  has(key: Key): boolean {
    return this.#tableOf(key) !== undefined;
  }

  /** Returns what the key had before. */
  set(key: Key, value: Value): Value | undefined {
    const known = this.#tableOf(key);
    const before = known?.get(key);
    (known ?? this.#tableForNext()).set(key, value);
    return before;
  }

  delete(key: Key): boolean {
    const table = this.#tableOf(key);
    if (table === undefined) return false;
    table.delete(key);
    this.#size -= 1;
    if (table.size === 0 && table !== this.#tables.at(-1))
      this.#tables.splice(this.#tables.indexOf(table), 1);
    return true;
  }

  /** Those that are there when it is asked and not gone when it comes to them; what is added meanwhile, perhaps. */
  *values(): Generator<Value> {
    for (const table of [...this.#tables]) yield* table.values();
  }

  *[Symbol.iterator](): Generator<[Key, Value]> {
    for (const table of [...this.#tables]) yield* table;
  }

  #tableOf(key: Key): Map<Key, Value> | undefined {
    for (const table of this.#tables) if (table.has(key)) return table;
    return undefined;
  }

  #tableForNext(): Map<Key, Value> {
    this.#size += 1;
    const last = this.#tables.at(-1);
    if (last !== undefined && this.#added < tableSize) {
      this.#added += 1;
      return last;
    }
    if (last?.size === 0) this.#tables.pop();
    const table = new Map<Key, Value>();
    this.#tables.push(table);
    this.#added = 1;
    return table;
  }
}
