import { decodeXmlText } from "./xml-text.ts";
import type { Archive } from "./archive.ts";

/** Relationship lists and core properties are small; only their beginning is read. */
const maxSmallPartBytes = 64 * 1024;

/** The name of the part that holds the body; the package says which, usually word/document.xml. */
export async function findMainPart(archive: Archive): Promise<string | undefined> {
  const usual = "word/document.xml";
  const relations = await readSmallPart(archive, "_rels/.rels");
  for (const match of relations.matchAll(/<Relationship\s[^>]{0,1000}>/g)) {
    if (!/Type\s*=\s*"[^"]*\/officeDocument"/.test(match[0])) continue;
    const target = /Target\s*=\s*"\/?([^"]{1,200})"/.exec(match[0])?.[1];
    if (target !== undefined && archive.parts.has(target)) return target;
  }
  return archive.parts.has(usual) ? usual : undefined;
}

/** The title in the core properties, if the author gave one. */
export async function readCoreTitle(archive: Archive): Promise<string | null> {
  const properties = await readSmallPart(archive, "docProps/core.xml");
  const title = /<dc:title[^>]{0,100}>([^<]{1,2000})<\/dc:title>/.exec(properties)?.[1];
  return title === undefined ? null : decodeXmlText(title);
}

async function readSmallPart(archive: Archive, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of archive.read(name)) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > maxSmallPartBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
