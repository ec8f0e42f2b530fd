import { MillraceError } from "@millrace/kernel";

/** One thing that is wrong with a program: in which file, where in it, and what was expected. */
export type ConfigProblem = {
  /** As seen from the working folder, with the line where it is known: `tasks/add.ts:3`. */
  readonly file: string;
  /** The field of the configuration, as `hooks["job.failed"]`. */
  readonly path?: string;
  readonly message: string;
  readonly cause?: unknown;
};

/** `invalid_config`: what stands in the working folder can't be used. Names every problem with its place. */
export function invalidConfig(problems: readonly ConfigProblem[]): MillraceError {
  const lines = problems.map(({ file, path, message }) => `  ${place({ file, path })}: ${message}`);
  const cause = problems.find((problem) => problem.cause !== undefined)?.cause;
  return new MillraceError({
    code: "invalid_config",
    kind: "invalid",
    message: `Your program can't be used as it is:\n${lines.join("\n")}`,
    items: problems.map(({ file, path, message }) => ({
      pointer: place({ file, path }),
      code: "invalid_config",
      message,
    })),
    ...(cause === undefined ? {} : { cause }),
  });
}

function place({ file, path }: { readonly file: string; readonly path: string | undefined }): string {
  return path === undefined ? file : `${file}: ${path}`;
}
