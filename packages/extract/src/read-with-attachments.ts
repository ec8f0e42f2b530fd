import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { isMillraceError } from "@millrace/kernel";
import { detectFileType } from "./detection/detect-file-type.ts";
import { lockedAttachment } from "./errors.ts";
import type { ExtractedText, ExtractionWarning } from "./extracted-text.ts";
import { maxAttachmentDepth, maxAttachments, maxTextCharacters } from "./limits.ts";
import type { FoundAttachment } from "./methods/method.ts";
import { folderPrefix } from "./pool/folder-name.ts";
import { readHead } from "./read-head.ts";
import { hasText } from "./text/has-text.ts";
import { readFileWithMethods } from "./read-with-methods.ts";
import type { ReadingRequest } from "./read-with-methods.ts";

/** How much is read of one upload, whatever is nested in what. */
type Budget = { attachments: number; characters: number };

type Whole = Omit<ReadingRequest, "attachmentFolder"> & { readonly tempDirectory: string };

/**
 * Reads a file and, after it, the files that it holds, each as if it had been uploaded by itself: its text
 * follows under a heading with its name. One that can't be read becomes a warning that names it.
 */
export async function readWithAttachments(request: Whole): Promise<ExtractedText> {
  const budget = { attachments: maxAttachments, characters: maxTextCharacters };
  return await readLevel(request, budget, 0);
}

async function readLevel(request: Whole, budget: Budget, depth: number): Promise<ExtractedText> {
  // Only messages hold files; the others need no folder.
  if (request.fileType !== "eml") {
    const { extracted } = await readFileWithMethods({ ...request, attachmentFolder: "" });
    return extracted;
  }
  const attachmentFolder = await mkdtemp(join(request.tempDirectory, folderPrefix));
  try {
    const { extracted, attachments } = await readFileWithMethods({ ...request, attachmentFolder });
    budget.characters -= extracted.text.length;
    return await appendAttachments(extracted, attachments, async ({ name, file }) => {
      const path = join(attachmentFolder, file);
      return await readAttachment({ ...request, path }, name, budget, depth + 1);
    });
  } finally {
    await rm(attachmentFolder, { recursive: true, force: true, maxRetries: 3 });
  }
}

type Attached = { readonly text: string; readonly warnings: readonly ExtractionWarning[] };

async function appendAttachments(
  message: ExtractedText,
  attachments: readonly FoundAttachment[],
  read: (attachment: FoundAttachment) => Promise<Attached>,
): Promise<ExtractedText> {
  const texts = [message.text];
  const warnings = [...message.warnings];
  for (const attachment of attachments) {
    const { name } = attachment;
    const attached = await read(attachment);
    warnings.push(
      ...attached.warnings.map(({ code, message: said }) => ({ code, message: `${name}: ${said}` })),
    );
    if (attached.text !== "") texts.push(`# Attachment: ${name}\n\n${attached.text}`);
  }
  return { ...message, text: texts.join("\n\n"), warnings };
}

async function readAttachment(
  request: Whole,
  fileName: string,
  budget: Budget,
  depth: number,
): Promise<Attached> {
  if (depth > maxAttachmentDepth)
    return leftOut(`it lies more than ${maxAttachmentDepth} messages deep, and was not read`);
  if (budget.attachments <= 0) return leftOut(`there are more than ${maxAttachments} attachments in all`);
  if (budget.characters <= 0) return leftOut("the text before it is as long as can be kept");
  budget.attachments -= 1;
  try {
    const { head, size } = await readHead(request.path);
    const { type } = await detectFileType({ head, fileName, size });
    const { onProgress: _ofTheWhole, password: _itsOwn, ...rest } = request;
    const { text, warnings, pagesWithoutText } = await readLevel({ ...rest, fileType: type }, budget, depth);
    if (!hasText(text)) {
      return leftOut(
        pagesWithoutText.length > 0
          ? "it holds only pictures, and text in pictures attached to mail is not recognised"
          : "it holds no text that can be read",
      );
    }
    const kept = text.length > budget.characters ? text.slice(0, budget.characters).toWellFormed() : text;
    if (type !== "eml") budget.characters -= kept.length;
    return { text: kept, warnings };
  } catch (error) {
    // The fault of the machine or a stop: the whole is read again, or nobody waits for it any more.
    if (request.signal.aborted || !isMillraceError(error) || error.retryable) throw error;
    const message = error.code === "pdf_encrypted" ? lockedAttachment : error.message;
    return { text: "", warnings: [{ code: "attachment_unreadable", message }] };
  }
}

function leftOut(reason: string): Attached {
  return { text: "", warnings: [{ code: "attachment_left_out", message: `${reason}.` }] };
}
