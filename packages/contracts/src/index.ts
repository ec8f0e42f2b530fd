export * from "./common.ts";
export * from "./document.ts";
export * from "./job.ts";
export * from "./live.ts";
export * from "./schedule.ts";
export * from "./search.ts";
export * from "./system.ts";
export * from "./task.ts";
