/** What goes between the main thread and the thread that runs PGlite. */
export type ToThread =
  | {
      readonly id: number;
      readonly kind: "query";
      readonly sql: string;
      readonly parameters: readonly unknown[];
    }
  | { readonly id: number; readonly kind: "close" };

export type FromThread =
  | {
      readonly id: number;
      readonly ok: true;
      readonly rows: readonly unknown[];
      readonly affectedRows: number;
    }
  /** `unsendable`: the statement was carried out, and what it gave can't go to another thread. */
  | { readonly id: number; readonly ok: false; readonly error: ThreadError | "unsendable" };

/** A database error as plain fields: an Error loses its SQLSTATE on the way between threads. */
export type ThreadError = {
  readonly message: string;
  readonly code: string | undefined;
  readonly constraint: string | undefined;
  /** Where in the text of the statement, from 1. */
  readonly position: string | undefined;
};
