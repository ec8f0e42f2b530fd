import { parseStream } from "./append-events.ts";
import type { ChangeNotice, StoredEvent } from "./event.ts";
import { anyChange, everyDomain, noticeTopics } from "./event-relay.ts";
import type { EventNews } from "./event-relay.ts";

/**
 * Streams of one domain that are told of one by one. More jobs than this are a storm of short ones, most of
 * which nobody watches: to list them would cost more than that those who watch look for themselves, which
 * is slower by half a second. Of the rest even a large worker with a token stream in every slot stays below.
 */
const maxJobHeads = 128;
const maxHeads = 512;
/** Notices of one topic that are told one by one. Of more only the owners are, of too many owners nothing. */
const maxNotices = 64;
const maxOwners = 32;

type Topic = ChangeNotice["topic"];

type TopicNotices = {
  readonly single: Map<string, ChangeNotice>;
  /** Whose notices were too many to be kept. */
  readonly owners: Set<string | null>;
  /** The owners were too many, too. */
  isForAll: boolean;
};

/**
 * Gathers what others are to hear, in bounded room however much it is: of each stream the highest number,
 * each notice once. What there is too much of is told as "look for yourselves".
 */
export class NewsBuffer {
  #heads = new Map<string, Map<string, number>>();
  /** How many streams of a domain were admitted; told of or about to be. */
  #admitted = new Map<string, number>();
  #crowded = new Set<string>();
  #notices = new Map<Topic, TopicNotices>();

  get isEmpty(): boolean {
    return this.#heads.size === 0 && this.#crowded.size === 0 && this.#notices.size === 0;
  }

  /**
   * Whether an event of this stream is worth putting together. False: that its domain is crowded is told
   * instead, and with it all that the event would have told.
   */
  admit(stream: string, owner: string | null): boolean {
    const { domain } = parseStream(stream);
    const count = (this.#admitted.get(domain) ?? 0) + 1;
    this.#admitted.set(domain, count);
    if (count <= limitOf(domain)) return true;
    this.#crowd(domain);
    this.#addOwner("workspace", owner);
    return false;
  }

  addEvents(events: readonly StoredEvent[]): void {
    for (const { stream, seq } of events) this.#addHead(stream, seq);
  }

  addNotice(notice: ChangeNotice): void {
    const { topic, owner, type, data } = notice;
    const known = this.#noticesOf(topic);
    if (known.isForAll || known.owners.has(owner)) return;
    known.single.set(JSON.stringify([owner, type, data]), notice);
    if (known.single.size <= maxNotices) return;
    for (const single of known.single.values()) this.#addOwner(topic, single.owner);
    known.single.clear();
  }

  /** What was gathered may not have reached the others, nor what was gathered before. */
  addMissed(): void {
    this.#heads.clear();
    this.#crowded = new Set([everyDomain]);
    for (const topic of noticeTopics) this.#forAll(this.#noticesOf(topic));
  }

  /** Gives what was gathered, and begins anew. */
  take(): EventNews {
    const news = {
      heads: [...this.#heads.values()].flatMap((heads) =>
        [...heads].map(([stream, seq]) => ({ stream, seq })),
      ),
      crowded: [...this.#crowded],
      notices: [...this.#notices].flatMap(([topic, known]) => noticesOf(topic, known)),
    };
    this.#heads = new Map();
    this.#admitted = new Map();
    this.#crowded = new Set();
    this.#notices = new Map();
    return news;
  }

  #addHead(stream: string, seq: number): void {
    const { domain } = parseStream(stream);
    if (this.#crowded.has(domain) || this.#crowded.has(everyDomain)) return;
    let heads = this.#heads.get(domain);
    if (heads === undefined) this.#heads.set(domain, (heads = new Map<string, number>()));
    const before = heads.get(stream);
    if (before === undefined && heads.size >= limitOf(domain)) this.#crowd(domain);
    else heads.set(stream, Math.max(before ?? 0, seq));
  }

  #crowd(domain: string): void {
    if (this.#crowded.has(everyDomain)) return;
    this.#crowded.add(domain);
    this.#heads.delete(domain);
  }

  #addOwner(topic: Topic, owner: string | null): void {
    const known = this.#noticesOf(topic);
    if (known.isForAll) return;
    known.owners.add(owner);
    if (known.owners.size > maxOwners) this.#forAll(known);
  }

  #forAll(known: TopicNotices): void {
    known.isForAll = true;
    known.single.clear();
    known.owners.clear();
  }

  #noticesOf(topic: Topic): TopicNotices {
    const known = this.#notices.get(topic);
    if (known !== undefined) return known;
    const fresh: TopicNotices = { single: new Map(), owners: new Set(), isForAll: false };
    this.#notices.set(topic, fresh);
    return fresh;
  }
}

function limitOf(domain: string): number {
  return domain === "job" ? maxJobHeads : maxHeads;
}

function noticesOf(topic: Topic, { single, owners, isForAll }: TopicNotices): ChangeNotice[] {
  if (isForAll) return [{ ...anyChange(topic, null), isForAll }];
  return [...single.values(), ...[...owners].map((owner) => anyChange(topic, owner))];
}
