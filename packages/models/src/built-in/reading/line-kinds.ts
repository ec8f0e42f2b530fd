import { stripInlineMarkup } from "./inline-markup.ts";

const codePatterns: readonly RegExp[] = [
  /^(from\s+[\w.]+\s+import|import)\s+[\w.{*"']+/,
  /^(export\s+)?(default\s+)?(async\s+)?(def|class|function|interface|struct|enum|fn|func|impl)\s+\w+\s*[<({:]/,
  /^(const|let|var|val|public|private|protected|static|final)\s+[\w<>[\]]+.*[=;({]/,
  /^(return|yield|raise|throw|await|elif|else|except|finally|try|while|for|if|with|switch|case)\b.*[:{;)]\s*$/,
  /^@\w[\w.]*(\(|$)/,
  /^[\w.$[\]'"]+\s*(\+|-|\*|\/|\|)?=\s*\S/,
  /^[\w.]+\([^)]*\)?[;{,]?$/,
  /^(?:[$>❯]|\w+@\w+[:~$]+)\s+\S+/,
  /^(pip|npm|npx|pnpm|yarn|docker|docker-compose|python3?|git|curl|wget|cd|sudo|apt(-get)?|brew|kubectl|export|mkdir|source|uvicorn|gunicorn|celery|redis-cli|psql)\s+[\w./-]+/,
  /^<\/?[a-z][\w-]*(\s[^>]*)?\/?>/i,
  /^[\])}]+[;,)]*$/,
  /[;{]\s*$/,
  /^["'][\w .:/-]+["']\s*[:,]/,
  /^(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (TABLE|INDEX|EXTENSION)|ALTER TABLE|DROP)\b/,
  /^(flowchart|graph|sequenceDiagram|subgraph|classDiagram|stateDiagram|erDiagram)\b/,
  /--?>\s*\|?|=>\s*[{(\w]/,
];

// Sure signs of code even where the line reads like a sentence, as a one-line function with its comment does.
const surelyCode =
  /^(async\s+)?(def|fn|func|function)\s+\w+\s*\(|^(except|with|elif|while|for)\b[^.!?]*:$|^(return|yield)\s+[\w.]+[([{]|^class\s+\w+(\(|:)/;

const configPattern = /^[\w."'-]+:\s*(\S.{0,40})?$/;

// What a line is shows in its beginning, and patterns take long on a line of megabytes.
const longestLooked = 2000;

/** Whether a line of text is code, a command or configuration rather than prose. */
export function isCodeLine(line: string): boolean {
  const trimmed = line.trim().slice(0, longestLooked);
  if (trimmed === "") return false;
  if (surelyCode.test(trimmed)) return true;
  // Links and emphasis are full of symbols without being code.
  const shown = stripInlineMarkup(trimmed);
  if (isSentenceLike(shown)) return false;
  if (codePatterns.some((pattern) => pattern.test(trimmed))) return true;
  return symbolShare(shown) > 0.14;
}

/** Whether a line, next to code, belongs to it: a comment, a key with a value, something indented. */
export function continuesCode(line: string): boolean {
  const trimmed = line.trim().slice(0, longestLooked);
  if (isCodeLine(line) || /^(#|\/\/|--|\*|"""|''')/.test(trimmed) || configPattern.test(trimmed)) return true;
  return /^\s/.test(line) && !isSentenceLike(trimmed);
}

/** Several words of mostly letters that close like a sentence. */
function isSentenceLike(line: string): boolean {
  if (!/[.!?…。！？:]["'”’)\]]*$/.test(line) || symbolShare(line) > 0.14) return false;
  if (/[。！？]/.test(line)) return true;
  if (/[{};]|\)\s*:$/.test(line)) return false;
  return /^["'“‘(\d*]*\p{L}[\p{L}'’,-]*(\s+[("'“‘*`]*[\p{L}\d$€£][^\s=]*){3,}/u.test(line);
}

function symbolShare(line: string): number {
  let symbols = 0;
  for (const character of line) if ('{}()[];=<>_\\/|&@$#*+`"'.includes(character)) symbols += 1;
  return symbols / Math.max(12, line.length);
}

const chromePatterns: readonly RegExp[] = [
  /^(all posts|back to|share( this| on|:|$)|get in touch|contact( us)?$|subscribe|sign (up|in)|log ?in|read (more|next)|related( posts| articles)?(:|$)|table of contents|contents$|cookies?( policy| settings|$)|privacy policy|terms (of|and)|all rights reserved|follow (us|me)|skip to|menu$|home$|comments?( \(|$)|leave a (reply|comment)|tags?:|categories:|newsletter|advertisement|sponsored|print$|next (post|page|article)|previous (post|page|article)|(un)?like$|reply$|loading)/i,
  /^(©|\(c\)\s*\d{4}|copyright\b)/i,
  /\b\d+\s*min(ute)?s?\s+read\b/i,
  /^(posted|published|updated|last (updated|modified)|written)\b.{0,60}$/i,
  /^by [A-Z][\w.'-]+( [A-Z][\w.'-]+){0,3}$/,
  /^this (content|article|post|story) (originally|first) appeared/i,
  /^(page|seite|página)?\s*\d+\s*((of|von|\/|de)\s*\d+)?$/i,
  /^((best|kind|warm|many) (regards|wishes|greetings)|regards|sincerely|yours( \w+)?|cheers|thanks|thank you)[,.!]?$/i,
  /^(hi|hello|dear|hey)( [\w.'-]+){0,4}[,!]$/i,
  /^https?:\/\/\S+$/,
  /^\[[^\]]+\]:\s+\S+/,
  /^(this|the) (e-?mail|message)\b.*\b(confidential|privileged|recipient)/i,
  /^[>\s]*(from|to|cc|bcc|date|sent|subject|reply-to|von|gesendet|betreff|objet|asunto):\s/i,
];

/** Whether a short line is furniture of a page: menus, buttons, bylines, page numbers. */
export function isPageChrome(line: string): boolean {
  const trimmed = line.trim();
  return trimmed.length <= 120 && chromePatterns.some((pattern) => pattern.test(trimmed));
}
