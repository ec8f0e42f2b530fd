import { MillraceError } from "@millrace/kernel";

/** How a command was called makes no sense; exit code 2. */
export function invalidArguments(message: string): MillraceError {
  return new MillraceError({ code: "invalid_arguments", kind: "invalid", message });
}

export function fileNotFound(name: string): MillraceError {
  return new MillraceError({
    code: "file_not_found",
    kind: "not_found",
    message: `There is no file ${name}. Check the name and the folder.`,
  });
}

export function folderGiven(name: string): MillraceError {
  return new MillraceError({
    code: "folder_given",
    kind: "invalid",
    message: `${name} is a folder. Name the files in it, such as ${name.replace(/[/\\]+$/, "")}/*.pdf`,
  });
}

export function fileNotReadable(name: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "file_not_readable",
    kind: "unavailable",
    message: `${name} can't be read. Check its permissions.`,
    cause,
  });
}

/** The same code as for an upload that is too large. */
export function inputTooLarge(maxBytes: number): MillraceError {
  return new MillraceError({
    code: "file_too_large",
    kind: "too_large",
    message: `The input is larger than the ${maxBytes} bytes allowed here. Send less, or raise MAX_UPLOAD_BYTES.`,
  });
}

export function fileNotWritable(name: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "file_not_writable",
    kind: "unavailable",
    message: `${name} can't be written. Check its folder, its permissions, and the free space.`,
    cause,
  });
}

export function exportBrokenOff(cause?: unknown): MillraceError {
  return new MillraceError({
    code: "export_broken_off",
    kind: "unavailable",
    message: "The export broke off before its end. The server's log says why, if it still runs; try again.",
    cause,
  });
}

export function waitTimedOut(seconds: number, whatNext: string): MillraceError {
  return new MillraceError({
    code: "wait_timed_out",
    kind: "unavailable",
    message: `Not finished within ${seconds} seconds. ${whatNext}`.trimEnd(),
  });
}

export function interrupted(): MillraceError {
  return new MillraceError({ code: "interrupted", kind: "unavailable", message: "Interrupted." });
}

export function serverNotReachable(url: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "server_not_reachable",
    kind: "unavailable",
    message: `No Millrace answers at ${url}. Check that it runs, and MILLRACE_URL.`,
    cause,
  });
}

export function unexpectedAnswer(url: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "unexpected_answer",
    kind: "unavailable",
    message: `What answers at ${url} does not speak like Millrace (${detail}). Check MILLRACE_URL, and that both have the same version.`,
    cause,
  });
}

export function noServer(folder: string): MillraceError {
  return new MillraceError({
    code: "no_server",
    kind: "unavailable",
    message: `No server runs on ${folder}. Start it first (millrace start), or name one with MILLRACE_URL, as with PostgreSQL always.`,
  });
}
