import { migrate, openPostgres } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { FigureCollector } from "../measure/figure.ts";
import { serverConditions } from "../peers/conditions.ts";
import { turned } from "../peers/measure-peer.ts";
import { brokerOf, onPostgres, withPlace } from "../peers/place.ts";
import type { PeerName } from "../peers/peer.ts";
import { startChild } from "../processes/child.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const workers = 50;
/** The brokers' first words are heard by all, and idle connections tell their counts up to ten seconds late. */
const settleMs = 15_000;
const lookMs = 20_000;
const hourMs = 3_600_000;

type Subject = {
  readonly label: string;
  readonly peer: PeerName;
  readonly hints: boolean;
  readonly pollMs: number;
};

const subjects: readonly Subject[] = [
  { label: "no hints, poll 2 s", peer: "millrace", hints: false, pollMs: 2_000 },
  { label: "PostgreSQL, poll 2 s", peer: "millrace", hints: true, pollMs: 2_000 },
  { label: "PostgreSQL, poll 1 h", peer: "millrace", hints: true, pollMs: hourMs },
  { label: "Redis, poll 1 h", peer: "millrace-redis", hints: true, pollMs: hourMs },
  { label: "RabbitMQ, poll 1 h", peer: "millrace-rabbitmq", hints: true, pollMs: hourMs },
];

/** What workers without work ask of the database. */
export const scaleIdle: Benchmark = {
  name: "scale-idle",
  description: `${workers} workers of one queue that is empty: transactions a second that the database counts (pg_stat_database) over ${lookMs / 1000} s. Looking for jobs by themselves is a part that the poll decides; beats, a look at what people have set and the schedules, and the upkeep that one worker does for all, are the rest. Nearly all are single statements.`,
  conditions: serverConditions,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      const rates = new Map<Subject, number>();
      for (const subject of turned(subjects, run)) {
        say(`scale-idle: run ${run} of ${runs}, ${subject.label}`);
        rates.set(subject, await measureIdle(subject));
      }
      for (const subject of subjects) figures.add(subject.label, "/s", rates.get(subject) ?? Number.NaN);
    }
    return figures.figures();
  },
};

async function measureIdle({ peer, hints, pollMs }: Subject): Promise<number> {
  return await withPlace(peer, async (connection) => {
    await makeTables(connection);
    const broker = hints ? ((await brokerOf(peer)) ?? connection) : undefined;
    const child = await startChild({
      program: "bench/idle-workers-child.ts",
      programArguments: [
        ...["--connection", connection, "--workers", `${workers}`, "--poll", `${pollMs}`],
        ...(broker === undefined ? [] : ["--broker", broker]),
      ],
    });
    try {
      await sleep(settleMs);
      const before = await countTransactions(connection);
      await sleep(lookMs);
      return ((await countTransactions(connection)) - before) / (lookMs / 1000);
    } finally {
      await child.stop();
    }
  });
}

async function makeTables(connection: string): Promise<void> {
  const database = openPostgres({ url: connection, poolSize: 1, logger: silentLogger });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

async function countTransactions(connection: string): Promise<number> {
  const found = await onPostgres(
    connection,
    sql<{ count: number }>`
      SELECT (xact_commit + xact_rollback)::double precision AS count FROM pg_stat_database
      WHERE datname = current_database()`,
  );
  return found[0]?.count ?? Number.NaN;
}
