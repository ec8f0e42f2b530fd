export { summaryEventRoutes } from "./summary-event-routes.ts";
export type { SummaryEventOptions } from "./summary-event-routes.ts";
export { summarySocketRoutes } from "./summary-socket-routes.ts";
export type { SummarySocketOptions } from "./summary-socket-routes.ts";
