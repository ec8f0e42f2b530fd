/** What tests of other packages need of these. */
export { eicar, startFakeClamd } from "../src/testing/fake-clamd.ts";
export type { FakeClamd } from "../src/testing/fake-clamd.ts";
export { largeHostileFiles, smallHostileFiles } from "./builders/hostile-files.ts";
