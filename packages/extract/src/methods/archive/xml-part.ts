import { SaxesParser } from "saxes";
import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxXmlDepth } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { Archive } from "./archive.ts";

/** An element that begins, its names without their namespace prefixes. */
export type XmlElement = {
  readonly name: string;
  /** Undefined when the element does not have it. */
  readonly attribute: (name: string) => string | undefined;
};

/** Takes a part as it is read. It is never told of what follows a damage. */
export type XmlVisitor = {
  readonly beginPart?: () => void;
  readonly enter: (element: XmlElement) => void;
  readonly leave: (name: string) => void;
  readonly text: (text: string) => void;
  readonly endPart?: () => void;
  /** True when reading on would only cost memory. */
  readonly isFull: () => boolean;
};

export const textIncomplete: ExtractionWarning = {
  code: "text_incomplete",
  message: "The file is damaged; the text before the damage was read.",
};

/**
 * Reads a part as a stream, without a tree; one that is missing counts as empty. False when it is broken: what
 * came before the damage was told. Throws `extraction_limit_size` when it is nested too deeply.
 */
export async function readXmlPart(archive: Archive, name: string, visitor: XmlVisitor): Promise<boolean> {
  visitor.beginPart?.();
  const parser = createParser(visitor);
  try {
    let decoder: InstanceType<typeof TextDecoder> | undefined;
    for await (const chunk of archive.read(name)) {
      decoder ??= new TextDecoder(encodingOf(chunk));
      parser.write(decoder.decode(chunk, { stream: true }));
      if (visitor.isFull()) return true;
    }
    if (decoder === undefined) return true;
    parser.close();
    visitor.endPart?.();
    return true;
  } catch (error) {
    if (error instanceof MethodFailure && error.code !== "file_damaged") throw error;
    return false;
  }
}

function createParser(visitor: XmlVisitor): SaxesParser {
  const parser = new SaxesParser();
  let depth = 0;
  parser.on("error", (error) => {
    throw new MethodFailure("file_damaged", "its XML is broken", error);
  });
  parser.on("doctype", () => {
    throw new MethodFailure("file_damaged", "its XML declares entities, which no office program does");
  });
  parser.on("opentag", ({ name, attributes }) => {
    depth += 1;
    if (depth > maxXmlDepth) {
      throw new MethodFailure("extraction_limit_size", `nested more than ${maxXmlDepth} levels deep`);
    }
    visitor.enter({ name: localName(name), attribute: (wanted) => findAttribute(attributes, wanted) });
  });
  parser.on("closetag", ({ name }) => {
    depth -= 1;
    visitor.leave(localName(name));
  });
  parser.on("text", (text) => visitor.text(text));
  parser.on("cdata", (text) => visitor.text(text));
  return parser;
}

function findAttribute(attributes: Readonly<Record<string, string>>, wanted: string): string | undefined {
  if (Object.hasOwn(attributes, wanted)) return attributes[wanted];
  const name = Object.keys(attributes).find((key) => localName(key) === wanted);
  return name === undefined ? undefined : attributes[name];
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** XML is UTF-8 or, rarely, UTF-16 with a mark. */
function encodingOf(chunk: Uint8Array): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return "utf-16le";
  return chunk[0] === 0xfe && chunk[1] === 0xff ? "utf-16be" : "utf-8";
}
