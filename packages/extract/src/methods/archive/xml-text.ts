const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Resolves the five entities XML defines and character numbers; no others, so nothing can expand. */
export function decodeXmlText(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (whole, ...groups) => {
    const [decimal, hexadecimal, name] = groups.map((group) => (typeof group === "string" ? group : ""));
    if (name !== undefined && name !== "") return named[name.toLowerCase()] ?? whole;
    const code = decimal !== "" ? Number(decimal) : Number.parseInt(hexadecimal ?? "", 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
