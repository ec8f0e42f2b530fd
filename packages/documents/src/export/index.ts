export { openExport } from "./open-export.ts";
export type { DocumentExport } from "./open-export.ts";
export { readExported } from "./read-exported.ts";
export type { ExportSelection } from "./read-exported.ts";
