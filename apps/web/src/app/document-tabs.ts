/** The tabs of a document's page, as they stand in its address. */
export const documentTabs = ["overview", "text", "log"] as const;
export type DocumentTab = (typeof documentTabs)[number];
