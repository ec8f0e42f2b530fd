import path from "node:path";

/** The folder of the whole repository. */
export const repository = path.join(import.meta.dirname, "../..");
