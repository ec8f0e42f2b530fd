export { purgeTrash } from "./purge-trash.ts";
export { deleteRows, moveToTrash, takeFromTrash } from "./trash.ts";
