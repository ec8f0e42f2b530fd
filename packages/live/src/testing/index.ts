export { MemoryEventFeed } from "./memory-feed.ts";
export { SocketClient } from "./socket-client.ts";
export type { SocketEnd } from "./socket-client.ts";
