export { announceDocument } from "./change-document.ts";
export { DocumentChanges } from "./change-documents.ts";
export { handleChangeMany } from "./handle-change-many.ts";
