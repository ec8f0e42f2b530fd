/** An object with a stream; `dictionary` is what its dictionary holds beside the length. */
export function pdfStream(dictionary: string, content: string): string {
  return `<< ${dictionary} /Length ${Buffer.byteLength(content, "latin1")} >>\nstream\n${content}\nendstream`;
}

/** A PDF of these objects, by their numbers; 1 is the catalog. `trailer` stands in its trailer beside size and root. */
export function writePdf(objects: ReadonlyMap<number, string>, trailer = ""): Buffer {
  const last = Math.max(...objects.keys());
  const offsets = new Map<number, number>();
  let text = "%PDF-1.7\n";
  for (const [id, body] of objects) {
    offsets.set(id, text.length);
    text += `${id} 0 obj\n${body}\nendobj\n`;
  }
  const start = text.length;
  text += `xref\n0 ${last + 1}\n0000000000 65535 f \n`;
  for (let id = 1; id <= last; id += 1) {
    const offset = offsets.get(id);
    text += offset === undefined ? "0000000000 65535 f \n" : `${String(offset).padStart(10, "0")} 00000 n \n`;
  }
  text += `trailer\n<< /Size ${last + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text, "latin1");
}
