import type { StoredEvent } from "@millrace/queue";

const texts = new WeakMap<StoredEvent, string>();
const frames = new WeakMap<StoredEvent, Buffer>();

/** The JSON of an event's data, made once however many watch it. */
export function eventText(event: StoredEvent): string {
  let text = texts.get(event);
  if (text === undefined) {
    text = JSON.stringify(event.data);
    texts.set(event, text);
  }
  return text;
}

/**
 * The `ev` frame of an event. When the topic is the stream itself, all sockets share one buffer:
 * a thousand slow watchers hold the bytes once.
 */
export function eventFrame(event: StoredEvent, topic: string): Buffer {
  if (topic !== event.stream) return makeFrame(event, topic);
  let frame = frames.get(event);
  if (frame === undefined) {
    frame = makeFrame(event, topic);
    frames.set(event, frame);
  }
  return frame;
}

function makeFrame(event: StoredEvent, topic: string): Buffer {
  return Buffer.from(
    `{"t":"ev","topic":${JSON.stringify(topic)},"seq":${event.seq},"type":${JSON.stringify(event.type)},"data":${eventText(event)},"at":${JSON.stringify(event.at)}}`,
  );
}

/** The envelope of an event for SSE: `stream`, `seq`, `type`, `data`, `at`. */
export function eventEnvelope(event: StoredEvent): string {
  return `{"stream":${JSON.stringify(event.stream)},"seq":${event.seq},"type":${JSON.stringify(event.type)},"data":${eventText(event)},"at":${JSON.stringify(event.at)}}`;
}
