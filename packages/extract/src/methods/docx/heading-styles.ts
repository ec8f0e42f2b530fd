import type { Archive } from "../archive/archive.ts";
import { readXmlPart } from "../archive/xml-part.ts";
import type { XmlElement, XmlVisitor } from "../archive/xml-part.ts";

/** Styles of one document; Word itself has some hundred. */
const maxStyles = 10_000;

/**
 * The levels of headings by the id of their style. Ids are written in the language of the program, the names
 * "heading 1" to "heading 9" are not.
 */
export async function readHeadingLevels(
  archive: Archive,
  folder: string,
): Promise<ReadonlyMap<string, number>> {
  const levels = new Map<string, number>();
  let style = "";
  let styles = 0;
  const visitor: XmlVisitor = {
    enter: ({ name, attribute }: XmlElement) => {
      if (name === "style") {
        style = attribute("styleId") ?? "";
        styles += 1;
      } else if (name === "name" && style !== "") {
        const level = /^heading ([1-9])$/i.exec(attribute("val") ?? "")?.[1];
        const isTitle = /^title$/i.test(attribute("val") ?? "");
        if (level !== undefined || isTitle) levels.set(style, Number(level ?? 1));
      }
    },
    leave: (name) => {
      if (name === "style") style = "";
    },
    text: () => undefined,
    isFull: () => styles > maxStyles,
  };
  await readXmlPart(archive, `${folder}styles.xml`, visitor);
  return levels;
}
