/** What is kept under a key. */
export type CacheEntry = {
  /** JSON. */
  readonly text: string;
  readonly ttlMs: number;
  readonly tags: readonly string[];
};

/** What becomes of somebody who wants to compute the value of a key. */
export type Beginning =
  /** Somebody else has done it. */
  | { readonly kind: "found"; readonly text: string }
  /** It is this one's turn: until `finish`, or until the lock runs out. */
  | { readonly kind: "begun" }
  /** Somebody else is at it: ask again. */
  | { readonly kind: "busy" };

/** The right to compute a key's value: who has it, and for how long when nothing more is heard of them. */
export type Lock = {
  readonly token: string;
  readonly lockMs: number;
  /** Of the value to come: who deletes by one of them means it too. */
  readonly tags: readonly string[];
};

/**
 * Where values are kept. No method rejects and none takes long: a store that is away has nothing, keeps
 * nothing, and gives everybody their turn. Whatever it holds can be lost at any time.
 */
export type CacheStore = {
  readonly read: (key: string) => Promise<string | undefined>;
  /** Replaces the value, and makes what is being computed for the key void. */
  readonly write: (key: string, entry: CacheEntry) => Promise<void>;
  /** The same without a new value. */
  readonly remove: (key: string) => Promise<void>;
  /** The same for all keys that were written, or begun, with the tag. */
  readonly removeByTag: (tag: string) => Promise<void>;
  /** Removes the value if it is still this one. */
  readonly discard: (key: string, text: string) => Promise<void>;
  readonly begin: (key: string, lock: Lock) => Promise<Beginning>;
  /** Holds the lock for another `lockMs` from now. */
  readonly extend: (key: string, lock: Lock) => Promise<void>;
  /**
   * Gives the lock back, and keeps what was computed. Does nothing for one whose lock has run out or was made
   * void: what it computed may be older than what others have written since.
   */
  readonly finish: (key: string, token: string, entry: CacheEntry | undefined) => Promise<void>;
};
