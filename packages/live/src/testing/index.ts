export { MemoryEventFeed } from "./memory-feed.ts";
