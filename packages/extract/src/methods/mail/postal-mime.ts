import PostalMime from "postal-mime";
import type { Address } from "postal-mime";
import { maxMailBytes } from "../../limits.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { mailOutput } from "./mail-text.ts";

/** Reads a message with postal-mime, which takes some that the other gives up on. */
export async function extractWithPostalMime(input: MethodInput): Promise<MethodOutput> {
  const bytes = await readBytes(input.path, maxMailBytes);
  const mail = await PostalMime.parse(bytes, {
    attachmentEncoding: "arraybuffer",
    forceRfc822Attachments: true,
  });
  return await mailOutput(
    {
      subject: mail.subject,
      from: mail.from === undefined ? undefined : nameOf(mail.from),
      to: mail.to?.map(nameOf).join(", "),
      cc: mail.cc?.map(nameOf).join(", "),
      date: mail.date === undefined ? undefined : new Date(mail.date),
      text: mail.text,
      html: mail.html,
      attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
        name: filename ?? undefined,
        mediaType: mimeType,
        content: typeof content === "string" ? Buffer.from(content) : new Uint8Array(content),
      })),
    },
    input.folder,
  );
}

function nameOf(address: Address): string {
  if (address.group !== undefined) return address.group.map(nameOf).join(", ");
  const hasName = address.name !== "" && address.name !== address.address;
  return hasName ? `${address.name} <${address.address}>` : address.address;
}
