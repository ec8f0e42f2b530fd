import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type Letter = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
};

/**
 * Puts a letter into a folder instead of sending it: swap this for your provider's call. A process that dies
 * after the call and before it was recorded makes it again, so hand the message id on: providers and mailboxes
 * know by it that it is the same letter, as this folder does by its name.
 */
export async function deliver({ to, subject, text, messageId }: Letter): Promise<void> {
  const folder = process.env["OUTBOX"] ?? "outbox";
  await mkdir(folder, { recursive: true });
  const lines = [`Message-ID: <${messageId}>`, `To: ${to}`, `Subject: ${subject}`, "", text, ""];
  const file = join(folder, `${messageId}.eml`);
  await writeFile(`${file}.tmp`, lines.join("\r\n"));
  await rename(`${file}.tmp`, file);
  await appendFile(join(folder, "calls.log"), `${to}\n`);
}
