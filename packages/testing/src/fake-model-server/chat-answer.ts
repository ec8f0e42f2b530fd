import type { Behaviour } from "./behaviour.ts";
import type { ChatRequest } from "./requests.ts";
import { sentences, structuredAnswer } from "./structured-answer.ts";

/**
 * The content a healthy model would give: JSON that fits when the request has a schema, in
 * `response_format` or written into its instructions; else a sentence about the text.
 */
export function healthyAnswer(request: ChatRequest): string {
  const schema = request.response_format?.json_schema?.schema ?? schemaInInstructions(request);
  const text = subjectText(request);
  if (schema !== undefined) return JSON.stringify(structuredAnswer(schema, text));
  if (request.response_format?.type === "json_object")
    return JSON.stringify({ answer: sentences(text)[0] ?? "" });
  return `In short: ${sentences(text).slice(0, 2).join(" ")}`;
}

/** The healthy content, spoiled as the behaviour says. */
export function spoiledAnswer(content: string, kind: Behaviour["kind"]): string {
  switch (kind) {
    case "truncated_json":
      return content.slice(0, Math.max(1, Math.floor(content.length * 0.6)));
    case "fenced_json":
      return `Here is the result:\n\`\`\`json\n${content}\n\`\`\`\n`;
    case "garbage":
      return "lorem }{ ipsum ]] dolor <<";
    case "wrong_schema":
      return JSON.stringify({ unexpected: [1, 2, 3], nested: { nothing: "fits" } });
    default:
      return content;
  }
}

/** About four characters a token, as every estimate in the product counts. */
export function tokenCount(text: string): number {
  return Math.ceil(text.length / 4);
}

/** What the request is about: the marked document if there is one, else the last user message. */
function subjectText(request: ChatRequest): string {
  const lastUser = request.messages.findLast((message) => message.role === "user")?.content ?? "";
  const marked = /<(document|text|passage|content)\b[^>]*>([^]*?)<\/\1>/.exec(lastUser)?.[2];
  const schemaText = jsonObjects(lastUser).find(looksLikeSchema)?.text;
  return (marked ?? (schemaText === undefined ? lastUser : lastUser.replace(schemaText, ""))).trim();
}

function schemaInInstructions(request: ChatRequest): unknown {
  for (const message of request.messages) {
    const found = jsonObjects(message.content).find(looksLikeSchema);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

type FoundObject = { readonly text: string; readonly value: unknown };

function looksLikeSchema({ value }: FoundObject): boolean {
  return typeof value === "object" && value !== null && ("properties" in value || "$defs" in value);
}

/** Outermost balanced `{…}` pieces of a text that are valid JSON. Braces inside strings are respected. */
function jsonObjects(text: string): FoundObject[] {
  const found: FoundObject[] = [];
  for (let start = text.indexOf("{"); start !== -1;) {
    const end = closingBrace(text, start);
    const piece = end === undefined ? undefined : text.slice(start, end + 1);
    const value = piece === undefined ? undefined : parsed(piece);
    if (piece !== undefined && value !== undefined) found.push({ text: piece, value });
    start = text.indexOf("{", value === undefined || end === undefined ? start + 1 : end + 1);
  }
  return found;
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 0;
  let isInString = false;
  for (let index = start; index < text.length; index += 1) {
    const character = text[index];
    if (isInString && character === "\\") index += 1;
    else if (character === '"') isInString = !isInString;
    else if (!isInString && character === "{") depth += 1;
    else if (!isInString && character === "}") {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Braces in prose are not JSON; the search goes on after them.
  }
}
