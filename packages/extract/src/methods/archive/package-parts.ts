import { posix } from "node:path";
import { decodeXmlText } from "./xml-text.ts";
import type { Archive } from "./archive.ts";
import { readXmlPart } from "./xml-part.ts";
import type { XmlVisitor } from "./xml-part.ts";

/** Relationship lists and core properties are small; only their beginning is read. */
const maxSmallPartBytes = 64 * 1024;

/** A workbook has one for each sheet, a presentation one for each slide. */
const maxRelations = 20_000;

/** The name of the part that holds the body; the package says which, else it is the usual one if it is there. */
export async function findMainPart(archive: Archive, usual: string): Promise<string | undefined> {
  const relations = await readSmallPart(archive, "_rels/.rels");
  for (const match of relations.matchAll(/<Relationship\s[^>]{0,1000}>/g)) {
    if (!/Type\s*=\s*"[^"]*\/officeDocument"/.test(match[0])) continue;
    const target = /Target\s*=\s*"\/?([^"]{1,200})"/.exec(match[0])?.[1];
    if (target !== undefined && archive.parts.has(target)) return target;
  }
  return archive.parts.has(usual) ? usual : undefined;
}

export type Relation = { readonly type: string; readonly target: string };

/** Where the relations of a part lead, by their id. */
export type Relations = ReadonlyMap<string, Relation>;

/** Where the relations of a part lead, by their id: the last word of their type, and the name of the part. */
export async function readRelations(archive: Archive, part: string): Promise<Relations> {
  const folder = part.slice(0, part.lastIndexOf("/") + 1);
  const relations = new Map<string, Relation>();
  const list: XmlVisitor = {
    enter: ({ name, attribute }) => {
      const [id, target] = [attribute("Id"), attribute("Target")];
      if (name !== "Relationship" || id === undefined || target === undefined) return;
      if (attribute("TargetMode") === "External") return;
      const type = attribute("Type") ?? "";
      const path = target.startsWith("/") ? target.slice(1) : posix.join(folder, target);
      relations.set(id, { type: type.slice(type.lastIndexOf("/") + 1), target: path });
    },
    leave: () => undefined,
    text: () => undefined,
    isFull: () => relations.size >= maxRelations,
  };
  await readXmlPart(archive, `${folder}_rels/${part.slice(folder.length)}.rels`, list);
  return relations;
}

/** The title in the core properties, if the author gave one. */
export async function readCoreTitle(archive: Archive): Promise<string | null> {
  return titleIn(await readSmallPart(archive, "docProps/core.xml"));
}

/** The same of an OpenDocument file. */
export async function readMetaTitle(archive: Archive): Promise<string | null> {
  return titleIn(await readSmallPart(archive, "meta.xml"));
}

function titleIn(properties: string): string | null {
  const title = /<dc:title[^>]{0,100}>([^<]{1,2000})<\/dc:title>/.exec(properties)?.[1];
  return title === undefined ? null : decodeXmlText(title);
}

/** The beginning of a small part; empty when it is missing. */
export async function readSmallPart(archive: Archive, name: string): Promise<string> {
  return (await readPartBytes(archive, name, maxSmallPartBytes)).toString("utf8");
}

/** The bytes of a part, or its beginning when there are more than so many; none when it is missing. */
export async function readPartBytes(archive: Archive, name: string, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of archive.read(name)) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > maxBytes) break;
  }
  return Buffer.concat(chunks);
}
