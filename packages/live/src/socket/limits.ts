/** What one socket may cost. Tests lower the times; everything else is the product's promise. */
export type SocketLimits = {
  /** Messages a client may send per second, on average. Default 20. */
  readonly messagesPerSecond: number;
  /** And at once. Default 64: a page that reconnects subscribes to all its topics together. */
  readonly messageBurst: number;
  /** Malformed or excess messages until the socket is closed. Default 5. */
  readonly maxOffences: number;
  /** Subscriptions on one socket. Default 50. */
  readonly maxSubscriptions: number;
  /** Messages and bytes waiting to leave; past either the client is too slow. Defaults 256 and 1 MiB. */
  readonly maxOutgoingMessages: number;
  readonly maxOutgoingBytes: number;
  /**
   * Numbered events wait in the store, not in memory, once this many bytes wait to leave. Default
   * 64 KiB: enough to keep a line busy, and 500 stalled clients hold 32 MiB.
   */
  readonly pauseAtBytes: number;
  /** How long a client may stand still before it is closed, in ms. Default 10000. */
  readonly slowClientMs: number;
  /** Time between pings, in ms; a client that has not answered by the next one is gone. Default 20000. */
  readonly heartbeatMs: number;
  /** How old an answer on who may watch what can get before the next push, in ms. Default 5000. */
  readonly recheckMs: number;
  /** How long the check of who connects may take, in ms. Default 5000. */
  readonly authenticateMs: number;
  /** How long a closing client has to say goodbye, in ms. Default 5000. */
  readonly closeMs: number;
};

export const defaultSocketLimits: SocketLimits = {
  messagesPerSecond: 20,
  messageBurst: 64,
  maxOffences: 5,
  maxSubscriptions: 50,
  maxOutgoingMessages: 256,
  maxOutgoingBytes: 1_048_576,
  pauseAtBytes: 65_536,
  slowClientMs: 10_000,
  heartbeatMs: 20_000,
  recheckMs: 5_000,
  authenticateMs: 5_000,
  closeMs: 5_000,
};
