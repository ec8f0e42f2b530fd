import type { Redis } from "ioredis";
import { z } from "zod";
import type { Hint } from "../broker.ts";
import { mergeHints } from "../hint.ts";
import { formatHintMessage, parseHintMessage } from "../hint-message.ts";

/** All workers are in one group, so that each hint goes to one of them. */
const group = "workers";
/** Nobody reads, it seems. One hint is as good as a hundred thousand. */
const maxEntries = 100_000;
/** So many entries are taken with one command. */
const maxTaken = 100;

/** An entry of a stream; without a hint what somebody else has written there. */
export type StreamEntry = { readonly id: string; readonly hint: Hint | undefined };
export type Delivery = { readonly stream: string; readonly entries: readonly StreamEntry[] };

/** What has no fields has been deleted since it was delivered. */
const entrySchema = z.tuple([z.string(), z.array(z.string()).nullable()]).nullable();
const readSchema = z.array(z.tuple([z.string(), z.array(entrySchema)])).nullable();
const claimedSchema = z.tuple([z.string(), z.array(entrySchema)]).rest(z.unknown());
const consumersSchema = z.array(z.array(z.union([z.string(), z.number(), z.null()])));

/** Writes a hint to the end of a stream, from which the oldest fall when there are far too many. */
export async function addHint(client: Redis, stream: string, hint: Hint): Promise<void> {
  await client.xadd(stream, "MAXLEN", "~", maxEntries, "*", ...fieldsOf(hint));
}

/**
 * Makes stream and group where they are missing: hints that came before belong to the group as well. What has
 * the name of the stream and is none is kept under another. Says whether there was something like that.
 */
export async function ensureGroup(client: Redis, stream: string): Promise<boolean> {
  try {
    await createGroup(client, stream);
    return false;
  } catch (error) {
    if (!isReply(error, "WRONGTYPE") || !(await setAside(client, stream))) throw error;
    await createGroup(client, stream);
    return true;
  }
}

async function createGroup(client: Redis, stream: string): Promise<void> {
  await client.xgroup("CREATE", stream, group, "0", "MKSTREAM").catch((error: unknown) => {
    if (!isReply(error, "BUSYGROUP")) throw error;
  });
}

/** Never over what was put there before, so that of several processes one does it and nothing is lost. */
async function setAside(client: Redis, stream: string): Promise<boolean> {
  // We may lack the right, or somebody has just deleted it.
  const moved = await client.renamenx(stream, keptAs(stream)).catch(() => 0);
  return moved === 1;
}

/** Where a key is kept that had the name of a stream. */
export function keptAs(stream: string): string {
  return `${stream}:foreign`;
}

/** Takes hints that nobody has. Waits so long for the first; without `blockMs` not at all. */
export async function readNew(
  client: Redis,
  consumer: string,
  streams: readonly string[],
  blockMs?: number,
): Promise<readonly Delivery[]> {
  const ids = streams.map(() => ">");
  const answer =
    blockMs === undefined
      ? await client.xreadgroup("GROUP", group, consumer, "COUNT", maxTaken, "STREAMS", ...streams, ...ids)
      : await client.xreadgroup(
          ...(["GROUP", group, consumer, "COUNT", maxTaken, "BLOCK", blockMs] as const),
          ...(["STREAMS", ...streams, ...ids] as const),
        );
  return deliveries(answer);
}

/** What a consumer has been given and has not settled. */
export async function readOwn(client: Redis, consumer: string, stream: string): Promise<StreamEntry[]> {
  const answer = await client.xreadgroup("GROUP", group, consumer, "STREAMS", stream, "0");
  return deliveries(answer).flatMap(({ entries }) => entries);
}

/** Takes hints from consumers that have not settled them for so long. */
export async function claimIdle(
  client: Redis,
  consumer: string,
  stream: string,
  idleMs: number,
): Promise<StreamEntry[]> {
  const answer = await client.xautoclaim(stream, group, consumer, idleMs, "0-0", "COUNT", maxTaken);
  return entriesOf(claimedSchema.parse(answer)[1]);
}

/** Done with these hints. */
export async function forget(client: Redis, stream: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client
    .multi()
    .xack(stream, group, ...ids)
    .xdel(stream, ...ids)
    .exec();
}

/** Puts one hint in the place of these, for whoever takes it first. Nothing happens unless all does. */
export async function giveBack(
  client: Redis,
  stream: string,
  ids: readonly string[],
  hint: Hint,
): Promise<void> {
  await client
    .multi()
    .xadd(stream, "MAXLEN", "~", maxEntries, "*", ...fieldsOf(hint))
    .xack(stream, group, ...ids)
    .xdel(stream, ...ids)
    .exec();
}

/** Removes a consumer, which has settled or given back all that it had. */
export async function removeConsumer(client: Redis, stream: string, consumer: string): Promise<void> {
  await client.xgroup("DELCONSUMER", stream, group, consumer);
}

/** Removes consumers that hold nothing and have not asked for anything for so long: their process is dead. */
export async function removeDeadConsumers(client: Redis, stream: string, idleMs: number): Promise<void> {
  const consumers = consumersSchema.parse(await client.xinfo("CONSUMERS", stream, group));
  for (const pairs of consumers) {
    const field = (name: string) => pairs[pairs.indexOf(name) + 1];
    if (field("pending") !== 0 || Number(field("idle")) < idleMs) continue;
    await removeConsumer(client, stream, String(field("name")));
  }
}

/** The hints of these entries as one; undefined when there are none. */
export function mergedHint(entries: readonly StreamEntry[]): Hint | undefined {
  return entries
    .flatMap(({ hint }) => hint ?? [])
    .reduce<Hint | undefined>((all, hint) => (all === undefined ? hint : mergeHints(all, hint)), undefined);
}

/** The stream or its group is gone: somebody has deleted it, or emptied the server. */
export function isGone(error: unknown): boolean {
  return isReply(error, "NOGROUP") || isReply(error, "UNBLOCKED");
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

function fieldsOf(hint: Hint): [string, Buffer] {
  return ["hint", formatHintMessage(hint)];
}

function deliveries(answer: unknown): Delivery[] {
  return (readSchema.parse(answer) ?? []).map(([stream, entries]) => ({
    stream,
    entries: entriesOf(entries),
  }));
}

function entriesOf(entries: readonly z.infer<typeof entrySchema>[]): StreamEntry[] {
  return entries.flatMap((entry) => {
    if (entry === null) return [];
    const [id, fields] = entry;
    const [name, value] = fields ?? [];
    const hint = name === "hint" && value !== undefined ? parseHintMessage(Buffer.from(value)) : undefined;
    return { id, hint };
  });
}
