export type { Behaviour, BehaviourScript, ModelCall } from "./fake-model-server/behaviour.ts";
export { startFakeModelServer } from "./fake-model-server/start.ts";
export type { FakeModelServer, FakeModelServerOptions } from "./fake-model-server/start.ts";
export { readLines, startMillrace } from "./start-millrace.ts";
export type { RunningMillrace } from "./start-millrace.ts";
export { testDatabases } from "./test-databases.ts";
export type { TestDatabase, TestDatabaseKind } from "./test-databases.ts";
export { waitFor } from "./wait-for.ts";
