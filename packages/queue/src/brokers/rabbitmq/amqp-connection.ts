import { connect } from "amqplib";
import type { Channel, ChannelModel } from "amqplib";
import { within } from "../within.ts";

/** A farewell that is not answered this soon is not: the server is gone or cut off. */
const farewellMs = 500;
/** Of access, of what another has for itself, and of what is there otherwise. */
const refusals = new Set([403, 405, 406]);
/** After three of these at most without a byte from the server the connection counts as lost. */
const heartbeatSeconds = 15;

export type AmqpConnection = {
  readonly model: ChannelModel;
  /** Throws when an answer does not come in time, when the connection is lost, and when it is to end. */
  readonly inTime: <Answer>(answer: Promise<Answer>) => Promise<Answer>;
  /** Aborted when the connection is lost or to end. */
  readonly signal: AbortSignal;
  /** Gives it up: something about it is not as it should be. */
  readonly fail: (error: Error) => void;
};

export type AmqpConnectionOptions = {
  readonly url: string;
  /** What the server's own page calls it. */
  readonly name: string;
  /** For connecting and for each answer. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
};

/**
 * Has a connection for as long as `work` takes. Afterwards nothing of it is left in this process, even if
 * the network swallows every packet. Throws when it can't be made, and what `work` throws.
 */
export async function withAmqpConnection<Result>(
  options: AmqpConnectionOptions,
  work: (connection: AmqpConnection) => Promise<Result>,
): Promise<Result> {
  const { answerMs } = options;
  const lost = new AbortController();
  const socket = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  try {
    const model = await within(open(options, socket.signal, lost), answerMs, signal);
    const inTime = <Answer>(answer: Promise<Answer>): Promise<Answer> => within(answer, answerMs, signal);
    try {
      return await work({ model, signal, inTime, fail: (error) => lost.abort(error) });
    } finally {
      await within(model.close(), farewellMs, socket.signal).catch(() => undefined);
    }
  } finally {
    // Nothing happens to one that is closed. One cut off would be kept by the system for many minutes.
    socket.abort();
  }
}

async function open(
  { url, name }: AmqpConnectionOptions,
  signal: AbortSignal,
  lost: AbortController,
): Promise<ChannelModel> {
  const address = new URL(url);
  address.searchParams.set("heartbeat", String(heartbeatSeconds));
  const options = {
    // A publish is two small writes; without this its confirmation waits 40 ms for the second.
    noDelay: true,
    // Passed on to the socket: the library has no other way to close one that is cut off.
    signal,
    clientProperties: { connection_name: name, product: "millrace" },
  };
  const model = await connect(address.href, options);
  // Without a listener a lost connection would end the process.
  model.on("error", (error: Error) => lost.abort(error));
  model.on("close", (error?: Error) => lost.abort(error ?? new Error("the connection was closed")));
  return model;
}

/**
 * Has a channel for as long as `work` takes. The server closes a channel on which something was refused,
 * so what may be refused has one of its own.
 */
export async function withChannel<Result>(
  { model, inTime }: AmqpConnection,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await inTime(model.createChannel());
  // What was refused throws by itself.
  channel.on("error", () => undefined);
  try {
    return await inTime(work(channel));
  } finally {
    await closeChannel(channel);
  }
}

/** Returns in half a second at most, when everything that was sent over it is answered. */
export async function closeChannel(channel: Channel): Promise<void> {
  await within(channel.close(), farewellMs, new AbortController().signal).catch(() => undefined);
}

/** The number with which the server refused something, as 404; undefined for other errors. */
export function replyCode(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}

/** Whether the server has answered, and what was asked is not for us to have. */
export function isRefusal(error: unknown): boolean {
  return refusals.has(replyCode(error) ?? 0);
}
