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

/** Where each part is held back at a size of its own, so many files are still one request. */
const maxFiles = 100;

/** One file of an upload. It is on disk; whoever asked for it owns or removes it now. */
export type ReceivedFile = {
  readonly file: StoredFile;
  /** The client's name for the file, safe to show and to store. */
  readonly fileName: string;
  /** The media type the client claims; never proof of anything. */
  readonly claimedType: string;
};

/** What one upload brought: a file, or several of which each was taken or refused by itself. */
export type ReceivedUpload =
  | {
      readonly kind: "one";
      readonly received: ReceivedFile;
      readonly fields: Readonly<Record<string, string>>;
    }
  | { readonly kind: "several"; readonly received: readonly (ReceivedFile | RefusedFile)[] };

/** Nothing of it was kept. */
export type RefusedFile = { readonly fileName: string; readonly refusal: MillraceError };

export type ReceiveUploadOptions = {
  readonly files: Pick<FileStore, "write" | "remove">;
  /** Of each file. */
  readonly maxBytes: number;
  /** Text fields that may come along with one file. Default: `title`. */
  readonly fieldNames?: readonly string[];
};

/**
 * Reads a multipart body straight to disk: one file in a part named `file`, or at most 100 in parts named `files`,
 * `files[]` or each `file`. Of several, one that is empty or too large does not cost the others. When the whole
 * goes wrong, no file is left behind. Throws `file_too_large`, `file_missing`, `too_many_files`, `file_empty`,
 * `upload_aborted`, `invalid_request`, `unsupported_media_type`, `storage_full`.
 */
export async function receiveUpload(
  request: FastifyRequest,
  options: ReceiveUploadOptions,
): Promise<ReceivedUpload> {
  const { files, maxBytes, fieldNames = ["title"] } = options;
  if (!request.isMultipart()) throw unsupportedMediaType("multipart/form-data with a part named `file`");
  const declaredBytes = Number(request.headers["content-length"]);
  if (declaredBytes > maxFiles * maxBytes + maxOverheadBytes) throw fileTooLarge(maxBytes);
  const isLarge = declaredBytes > maxBytes + maxOverheadBytes;
  const upload: UnfinishedUpload = { received: [], isSeveral: false, fields: {} };
  try {
    for await (const part of openParts(request, maxBytes, fieldNames.length)) {
      if (part.type === "file") await takeFile(part, upload, { ...options, isLarge });
      else takeField(part, upload, fieldNames);
    }
    return completed(upload);
  } catch (error) {
    // Held back by a parser that nobody reads, the rest could not be received, nor our answer be heard.
    request.raw.unpipe();
    for (const one of upload.received) if ("file" in one) await files.remove(one.file.key);
    throw asUploadError(error, request.raw, maxBytes);
  }
}

type UnfinishedUpload = {
  readonly received: (ReceivedFile | RefusedFile)[];
  isSeveral: boolean;
  readonly fields: Record<string, string>;
};

function openParts(request: FastifyRequest, maxBytes: number, fieldCount: number) {
  return request.parts({
    limits: {
      // One more than allowed of each, so that we see it and can name it.
      files: maxFiles + 1,
      fields: fieldCount + 1,
      parts: maxFiles + fieldCount + 2,
      // One byte more too: then it is cut off, and refused by itself.
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
  options: ReceiveUploadOptions & { readonly isLarge: boolean },
): Promise<void> {
  const { files, maxBytes, isLarge } = options;
  const isOfSeveral = part.fieldname === "files" || part.fieldname === "files[]";
  if (part.fieldname !== "file" && !isOfSeveral) throw invalidField(unknownField(part.fieldname));
  if (upload.received.length === maxFiles) throw tooManyFiles();
  if (isOfSeveral || upload.received.length > 0) upload.isSeveral = true;
  // A single file that is too large need not come to its end. Several that are large together say so by their name.
  if (!upload.isSeveral && isLarge) throw fileTooLarge(maxBytes);
  const fileName = displayFileName(part.filename);
  const file = await files.write(part.file, { maxBytes: upload.isSeveral ? maxBytes + 1 : maxBytes });
  const refusal = refusalOf(file, part, maxBytes);
  if (refusal === undefined) upload.received.push({ file, fileName, claimedType: part.mimetype });
  else {
    await files.remove(file.key);
    upload.received.push({ fileName, refusal });
  }
}

function refusalOf(file: StoredFile, part: MultipartFile, maxBytes: number): MillraceError | undefined {
  if (file.size > maxBytes) return fileTooLarge(maxBytes);
  // What a browser sends for a form whose file was not chosen.
  if (file.size === 0) return part.filename === "" ? fileMissing() : fileEmpty();
  return undefined;
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

function completed({ received, isSeveral, fields }: UnfinishedUpload): ReceivedUpload {
  const [first] = received;
  if (first === undefined) throw fileMissing();
  if (isSeveral) {
    const [name] = Object.keys(fields);
    if (name !== undefined) throw invalidField(fieldOfOne(name));
    return { kind: "several", received };
  }
  if ("refusal" in first) throw first.refusal;
  return { kind: "one", received: first, fields };
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
      return tooManyFiles();
    case "FST_FIELDS_LIMIT":
    case "FST_PARTS_LIMIT":
      return invalidRequest("The upload has more parts than this path takes.", []);
    default:
      // System errors (the disk) have a number; what is left is a body that is not multipart.
      return error instanceof Error && "errno" in error ? error : malformedRequest(error);
  }
}

function unknownField(fieldName: string): ErrorItem {
  return {
    pointer: `/${fieldName.slice(0, 100)}`,
    code: "unknown_field",
    message:
      "There is no such field here. A file belongs in a part named `file`, several in parts named `files`.",
  };
}

function fieldOfOne(fieldName: string): ErrorItem {
  const message = "This goes with one file. Several are called by their names; change that afterwards.";
  return { pointer: `/${fieldName}`, code: "invalid_field", message };
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

function tooManyFiles(): MillraceError {
  return new MillraceError({
    code: "too_many_files",
    kind: "invalid",
    message: `One upload takes at most ${maxFiles} files. Nothing was kept; send them in several.`,
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
