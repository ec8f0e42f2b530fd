export { documentEventRoutes, endsDocument } from "./document-event-routes.ts";
export type { DocumentEventOptions } from "./document-event-routes.ts";
export { documentSocketRoutes } from "./document-socket-routes.ts";
export type { DocumentSocketOptions } from "./document-socket-routes.ts";
export type { DocumentSocketPorts, NumberedSnapshot } from "./document-socket.ts";
