/** What tests of other packages need of these. */
export { eicar, startFakeClamd } from "./builders/fake-clamd.ts";
export type { FakeClamd } from "./builders/fake-clamd.ts";
export { largeHostileFiles, smallHostileFiles } from "./builders/hostile-files.ts";
