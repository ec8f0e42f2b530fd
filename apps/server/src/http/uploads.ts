import type { Readable } from "node:stream";
import type { Multipart, MultipartFile } from "@fastify/multipart";
import { displayFileName, fileTooLarge } from "@millrace/documents";
import type { FileStore, StoredFile } from "@millrace/documents";
import type { ErrorItem } from "@millrace/kernel";
import { isMillraceError, MillraceError } from "@millrace/kernel";
import type { FastifyRequest } from "fastify";
import { invalidRequest, malformedRequest, unsupportedMediaType } from "./errors.ts";
import { isStorableText, unstorableText } from "./json-body.ts";

/** Boundaries, part headers and text fields that come on top of the file's bytes. */
const maxOverheadBytes = 256 * 1024;

/** What one upload brought. The file is on disk; whoever asked for it owns or removes it now. */
export type ReceivedUpload = {
  readonly file: StoredFile;
  /** The client's name for the file, safe to show and to store. */
  readonly fileName: string;
  /** The media type the client claims; never proof of anything. */
  readonly claimedType: string;
  readonly fields: Readonly<Record<string, string>>;
};

export type ReceiveUploadOptions = {
  readonly files: Pick<FileStore, "write" | "remove">;
  readonly maxBytes: number;
  /** Text fields that may come along. Default: `title`. */
  readonly fieldNames?: readonly string[];
};

/**
 * Reads a multipart body with exactly one file, in a part named `file`, straight to disk. Whatever
 * goes wrong, no file is left behind. Throws `file_too_large`, `file_missing`, `several_files`,
 * `file_empty`, `upload_aborted`, `invalid_request`, `unsupported_media_type`, `storage_full`.
 */
export async function receiveUpload(
  request: FastifyRequest,
  options: ReceiveUploadOptions,
): Promise<ReceivedUpload> {
  const { files, maxBytes, fieldNames = ["title"] } = options;
  if (!request.isMultipart()) throw unsupportedMediaType("multipart/form-data with a part named `file`");
  if (Number(request.headers["content-length"]) > maxBytes + maxOverheadBytes) throw fileTooLarge(maxBytes);
  const upload: UnfinishedUpload = { file: undefined, part: undefined, fields: {} };
  try {
    for await (const part of openParts(request, maxBytes, fieldNames.length)) {
      if (part.type === "file") await takeFile(part, upload, options);
      else takeField(part, upload, fieldNames);
    }
    return completed(upload);
  } catch (error) {
    if (upload.file !== undefined) await files.remove(upload.file.key);
    throw asUploadError(error, request.raw, maxBytes);
  }
}

type UnfinishedUpload = {
  file: StoredFile | undefined;
  part: MultipartFile | undefined;
  readonly fields: Record<string, string>;
};

function openParts(request: FastifyRequest, maxBytes: number, fieldCount: number) {
  return request.parts({
    limits: {
      // One more than allowed of each, so that we see it and can name it.
      files: 2,
      fields: fieldCount + 1,
      parts: fieldCount + 3,
      fileSize: maxBytes + 1,
      fieldSize: 8192,
      fieldNameSize: 100,
      headerPairs: 20,
    },
  });
}

async function takeFile(
  part: MultipartFile,
  upload: UnfinishedUpload,
  options: ReceiveUploadOptions,
): Promise<void> {
  if (part.fieldname !== "file") throw invalidField(unknownField(part.fieldname));
  if (upload.file !== undefined) throw severalFiles();
  upload.part = part;
  upload.file = await options.files.write(part.file, { maxBytes: options.maxBytes });
}

function takeField(
  part: Exclude<Multipart, MultipartFile>,
  upload: UnfinishedUpload,
  fieldNames: readonly string[],
): void {
  const pointer = `/${part.fieldname}`;
  if (!fieldNames.includes(part.fieldname)) throw invalidField(unknownField(part.fieldname));
  const { value } = part;
  if (typeof value !== "string" || part.valueTruncated || Object.hasOwn(upload.fields, part.fieldname)) {
    const message = "Send this field once, as text of at most 8,192 bytes.";
    throw invalidField({ pointer, code: "invalid_field", message });
  }
  if (!isStorableText(value)) throw invalidField(unstorableText(pointer));
  upload.fields[part.fieldname] = value;
}

function completed(upload: UnfinishedUpload): ReceivedUpload {
  const { file, part, fields } = upload;
  if (file === undefined || part === undefined) throw fileMissing();
  // What a browser sends for a form whose file was not chosen.
  if (file.size === 0) throw part.filename === "" ? fileMissing() : fileEmpty();
  return { file, fileName: displayFileName(part.filename ?? ""), claimedType: part.mimetype, fields };
}

/** Ours stays; of the parser's errors only their codes are looked at, since any of them can be a lost connection. */
function asUploadError(error: unknown, raw: Readable, maxBytes: number): unknown {
  if (isMillraceError(error)) return error;
  if (raw.destroyed && !raw.readableEnded) return uploadAborted(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "FST_MP_PREMATURE_CLOSE":
      return uploadAborted(error);
    case "FST_REQ_FILE_TOO_LARGE":
      return fileTooLarge(maxBytes);
    case "FST_FILES_LIMIT":
      return severalFiles();
    case "FST_FIELDS_LIMIT":
    case "FST_PARTS_LIMIT":
      return invalidRequest("The upload has more parts than this path takes. Send one `file`.", []);
    default:
      // System errors (the disk) have a number; what is left is a body that is not multipart.
      return error instanceof Error && "errno" in error ? error : malformedRequest(error);
  }
}

function unknownField(fieldName: string): ErrorItem {
  return {
    pointer: `/${fieldName.slice(0, 100)}`,
    code: "unknown_field",
    message: "There is no such field here. The file belongs in a part named `file`.",
  };
}

function invalidField(item: ErrorItem): MillraceError {
  return invalidRequest("A part of the upload can't be used. `errors` names it.", [item]);
}

function fileMissing(): MillraceError {
  return new MillraceError({
    code: "file_missing",
    kind: "invalid",
    message: "There is no file in this upload. Send it in a part named `file`.",
  });
}

function fileEmpty(): MillraceError {
  return new MillraceError({
    code: "file_empty",
    kind: "invalid",
    message: "The file has no content. Check that it was saved, then send it again.",
  });
}

function severalFiles(): MillraceError {
  return new MillraceError({
    code: "several_files",
    kind: "invalid",
    message: "This path takes one file at a time. Send each file in a request of its own.",
  });
}

function uploadAborted(cause: unknown): MillraceError {
  return new MillraceError({
    code: "upload_aborted",
    kind: "malformed",
    message: "The upload ended before the file was complete. Nothing was kept; send it again.",
    cause,
  });
}
