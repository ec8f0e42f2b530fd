/**
 * Lets the text of a slide begin with a heading, so that passages name it: its own first one, else `name`, else its
 * number. One without text stays empty.
 */
export function titleSlide(text: string, name: string, number: number): string {
  const body = text.trim();
  return body === "" || /^#{1,6} /.test(body) ? body : `${heading(name, `Slide ${number}`)}\n\n${body}`;
}

/** The same for a sheet, whose name is always its heading. */
export function titleSheet(text: string, name: string, number: number): string {
  return text === "" ? "" : `${heading(name, `Sheet ${number}`)}\n\n${text}`;
}

function heading(name: string, otherwise: string): string {
  const title = name.replace(/\s+/g, " ").trim();
  return `# ${title === "" ? otherwise : title}`;
}
