import { MillraceError } from "@millrace/kernel";

/** Errors of the analysis itself; those of models pass through it unchanged. */
export const analysisErrors = {
  textEmpty: () =>
    new MillraceError({
      code: "text_empty",
      kind: "unsupported",
      message: "The document has no text to analyse.",
    }),
} as const;
