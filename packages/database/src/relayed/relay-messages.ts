import type { ErrorKind } from "@millrace/kernel";

/** What a child process asks of the database that its parent holds, and what it is answered. */
export type ToParent =
  | { readonly kind: "acquire"; readonly id: number }
  | {
      readonly kind: "query";
      readonly id: number;
      readonly connection: number;
      readonly sql: string;
      readonly parameters: readonly unknown[];
    }
  | { readonly kind: "release"; readonly connection: number };

export type ToChild =
  | { readonly kind: "acquired"; readonly id: number; readonly connection: number }
  | {
      readonly kind: "rows";
      readonly id: number;
      readonly rows: readonly unknown[];
      readonly affectedRows: number;
    }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly message: string;
      readonly code: string | undefined;
      readonly constraint: string | undefined;
      /** Set when it is an error of ours, so that it is one again on the other side. */
      readonly own: OwnError | undefined;
    };

export type OwnError = {
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
};

/** One end of the way between the two processes. */
export type RelayPort<Out, In> = {
  readonly send: (message: Out) => void;
  readonly onMessage: (listener: (message: In) => void) => void;
};
