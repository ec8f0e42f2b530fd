export { SafeFetch } from "./safe-fetch.ts";
export type { FetchedResource, FetchRequest, SafeFetchOptions } from "./safe-fetch.ts";
