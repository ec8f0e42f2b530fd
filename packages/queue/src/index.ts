export type { ChangeNotice, EventFeed, StoredEvent, StreamPage } from "./events/event.ts";
