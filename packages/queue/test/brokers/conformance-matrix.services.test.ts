import { memoryKind, postgresKind, rabbitMqKind, redisKind } from "./broker-kinds.ts";
import type { BrokerKind } from "./broker-scene.ts";
import { describeBroker } from "./conformance-suite.ts";
import type { SuiteOptions } from "./conformance-suite.ts";

type Cell = { readonly kind: BrokerKind; readonly options: SuiteOptions };

const kinds = [memoryKind, postgresKind, redisKind, rabbitMqKind];
const databases = ["embedded", "postgres", "pgbouncer"] as const;

/** In the gate what matters most of that which the brokers' own files leave open. */
const few: readonly Cell[] = [redisKind, rabbitMqKind].map((kind) => ({
  kind,
  options: { on: "pgbouncer", isOnlyJobs: true },
}));
const all: readonly Cell[] = [false, true].flatMap((isSlow) =>
  databases.flatMap((on) => kinds.map((kind) => ({ kind, options: { on, isSlow } }))),
);

for (const { kind, options } of process.env["MILLRACE_NIGHTLY"] === "1" ? all : few) {
  describeBroker(kind, options);
}
