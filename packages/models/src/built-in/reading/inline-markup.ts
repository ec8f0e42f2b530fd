/** The text a reader sees of a line with Markdown or HTML inside: links become their words, images vanish. */
export function stripInlineMarkup(line: string): string {
  return line
    .replace(/!\[[^[\]\n]{0,300}\]\([^)\n]{0,2000}\)/g, "")
    .replace(/\[\[[^[\]|\n]{0,200}\|([^[\]\n]{1,200})\]\]/g, "$1")
    .replace(/\[\[([^[\]\n]{1,200})\]\]/g, "$1")
    .replace(/\[([^[\]\n]{0,500})\]\((?:[^()\n]|\([^()\n]{0,200}\)){0,1000}\)/g, "$1")
    .replace(/\[([^[\]\n]{1,500})\]\[[^[\]\n]{0,200}\]/g, "$1")
    .replace(/&(nbsp|amp|lt|gt|quot|#39);/g, (_entity, name: string) => entities[name] ?? " ")
    .replace(/\[\^[\w-]{1,40}\]/g, "")
    .replace(/\[!\w{0,20}\]\s?/g, "")
    .replace(/<\/?[a-zA-Z][^<>\n]{0,500}>/g, "")
    .replace(/(\*\*\*|\*\*|___|__|~~)(?=\S)([^\n]{0,500}?\S)\1/g, "$2")
    .replace(/(?<![\w*])\*(?=\S)([^*\n]{1,500}?\S)\*(?![\w*])/g, "$1")
    .replace(/(?<![\w_])_(?=\S)([^_\n]{1,500}?\S)_(?![\w_])/g, "$1")
    .replace(/`+([^`\n]{1,500})`+/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
