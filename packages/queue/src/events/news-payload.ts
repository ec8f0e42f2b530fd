import { parseJson } from "@millrace/kernel";
import { z } from "zod";
import type { ChangeNotice, StreamHead } from "./event.ts";
import { anyChange } from "./event-relay.ts";
import type { EventNews } from "./event-relay.ts";

/** PostgreSQL takes less than 8000 bytes in a notification. */
const maxBytes = 7_900;
/** A notice that says more than this says it in too many words to be carried. */
const maxNoticeBytes = 2_000;

const noticeSchema = z.object({
  topic: z.enum(["workspace", "jobs", "monitor"]),
  owner: z.string().nullable(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  isForAll: z.boolean().optional(),
});

/** One piece of news: a stream and its highest number, a crowded domain, or a notice. */
const pieceSchema = z.union([z.tuple([z.string(), z.number()]), z.string(), noticeSchema]);

/** News as texts that are each short enough for any relay: the sender, a colon, and pieces of news as JSON. */
export function formatNews(sender: string, { heads, crowded, notices }: EventNews): string[] {
  const pieces: unknown[] = [
    ...crowded,
    ...heads.map(({ stream, seq }) => [stream, seq]),
    ...notices.map((notice) => shortened(notice)),
  ];
  const payloads: string[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const begin = `${sender}:[`;
  const end = (): void => {
    payloads.push(`${begin}${texts.join(",")}]`);
    texts = [];
    bytes = 0;
  };
  for (const piece of pieces) {
    const text = JSON.stringify(piece);
    const length = Buffer.byteLength(text) + 1;
    if (texts.length > 0 && begin.length + bytes + length > maxBytes) end();
    texts.push(text);
    bytes += length;
  }
  if (texts.length > 0) end();
  return payloads;
}

/** Undefined for what is not news, which anybody may have sent, and for news of `self`. */
export function parseNews(payload: string, self: string): EventNews | undefined {
  const colon = payload.indexOf(":");
  if (colon <= 0 || payload.slice(0, colon) === self) return undefined;
  const pieces = parsePieces(payload.slice(colon + 1));
  if (pieces === undefined) return undefined;
  const heads: StreamHead[] = [];
  const crowded: string[] = [];
  const notices: ChangeNotice[] = [];
  for (const piece of pieces) {
    // A newer version may send more kinds than this one knows.
    const { data: known } = pieceSchema.safeParse(piece);
    if (known === undefined) continue;
    if (typeof known === "string") crowded.push(known);
    else if (Array.isArray(known)) heads.push({ stream: known[0], seq: known[1] });
    else notices.push(noticeOf(known));
  }
  return { heads, crowded, notices };
}

/** What may concern anybody says nothing more, whoever sent it. */
function noticeOf({ isForAll = false, ...notice }: z.output<typeof noticeSchema>): ChangeNotice {
  return isForAll ? { ...anyChange(notice.topic, null), isForAll } : notice;
}

function parsePieces(text: string): readonly unknown[] | undefined {
  try {
    const parsed = parseJson(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    // What listeners send to hear whether they hear, or a stranger's.
    return undefined;
  }
}

function shortened(notice: ChangeNotice): ChangeNotice {
  if (Buffer.byteLength(JSON.stringify(notice)) <= maxNoticeBytes) return notice;
  const { topic, owner } = notice;
  const isNameable = owner === null || Buffer.byteLength(owner) <= maxNoticeBytes / 2;
  return isNameable ? anyChange(topic, owner) : { ...anyChange(topic, null), isForAll: true };
}
