import type { Database, QueryAccess } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { EventBus, handleTask, parseStream } from "../../src/index.ts";
import type { Broker, WriteScope } from "../../src/index.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { appendEvents } from "../../src/events/append-events.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { withWriteScope } from "../../src/write-scope.ts";
import { emptyFunction, passFunction, snapshotFunction } from "./system-functions.ts";
import { definitions } from "./world.ts";

/** The real queue on an embedded database of its own, with what its functions are given. */
export type QueueSystem = {
  readonly database: Database;
  readonly bus: EventBus;
  readonly broker: Broker;
  readonly registry: TaskRegistry;
  /** What hooks were told since it was last emptied, as `type id`. */
  readonly told: string[];
  /** How often what came about: a test that never gets there proves nothing. */
  readonly noticed: Map<string, number>;
  readonly close: () => Promise<void>;
};

export async function openSystem(): Promise<QueueSystem> {
  const database = await openTestDatabase({ isLong: true });
  for (const text of [emptyFunction, passFunction, snapshotFunction])
    await sql.raw(text).execute(database.queryable);
  const bus = new EventBus(silentLogger);
  const told: string[] = [];
  bus.onTransition(({ type, job }) => void told.push(`${type} ${job.id}`));
  const run = () => Promise.reject(new Error("no worker runs this"));
  const registry = new TaskRegistry([
    handleTask({ task: definitions["model.plain"], run }),
    handleTask({ task: definitions["model.unique"], run }),
    handleTask({ task: definitions["model.keyed"], run }),
    handleTask({ task: definitions["model.rated"], run }),
    handleTask({
      task: definitions["model.hooked"],
      run,
      onEnd: async (scope, { jobId, input, state }) => {
        const stream = `document:${input.key}`;
        await appendEvents(scope, bus, [
          { stream, owner: null, type: `document.${state}`, data: { job_id: jobId } },
        ]);
      },
    }),
  ]);
  const broker = createMemoryBroker();
  return { database, bus, broker, registry, told, noticed: new Map(), close: () => database.close() };
}

export function notice({ noticed }: QueueSystem, what: string): void {
  noticed.set(what, (noticed.get(what) ?? 0) + 1);
}

/** The functions' parts; `between` runs once, after they have looked and before they lock. */
export function partsOf(system: QueueSystem, between: () => Promise<void> = () => Promise.resolve()) {
  const { database, bus, broker, registry } = system;
  let hasRun = false;
  const access: QueryAccess = {
    queryable: database.queryable,
    transaction: async (work) => {
      if (!hasRun) {
        hasRun = true;
        await between();
      }
      return await database.transaction(work);
    },
  };
  return {
    database: access,
    bus,
    broker,
    registry,
    onCancelRequested: () => undefined,
    onReleased: () => undefined,
  };
}

export function inScope<Result>(
  system: QueueSystem,
  work: (scope: WriteScope) => Promise<Result>,
): Promise<Result> {
  return withWriteScope(system.database, work, "caller");
}

/** What a job says, in the transaction that ends its attempt. */
export function say(system: QueueSystem, scope: WriteScope, stream: string): Promise<void> {
  const type = `${parseStream(stream).domain}.said`;
  return appendEvents(scope, system.bus, [{ stream, owner: null, type, data: {} }]);
}

/** Lets the lease of one job run out, as when its worker was silent and the others were not. */
export async function endLease({ database }: QueueSystem, id: string, ms: number): Promise<void> {
  await sql`
    UPDATE job SET lease_until = lease_until - ${ms}::double precision * interval '1 millisecond' WHERE id = ${id}`.execute(
    database.queryable,
  );
}

/** One row of `job` with what belongs to it; times in milliseconds from now. */
export type SeenJob = {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly owner: string | null;
  readonly state: string;
  readonly reason: string | null;
  readonly parked_by: string | null;
  readonly priority: number;
  readonly fair: number;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly crash_count: number;
  readonly runs_alone: boolean;
  readonly fence: number;
  readonly event_seq: number;
  readonly is_cancel_requested: boolean;
  readonly has_worker: boolean;
  readonly asks: string | null;
  readonly answers: Readonly<Record<string, string>>;
  readonly input: unknown;
  readonly result: { readonly output: unknown; readonly error: string | null } | null;
  readonly run_in: number;
  readonly expires_in: number | null;
  readonly lease_in: number | null;
  readonly finished_in: number | null;
  readonly purge_in: number | null;
};

export type Snapshot = {
  readonly jobs: readonly SeenJob[];
  readonly attempts: readonly {
    readonly job_id: string;
    readonly fence: number;
    readonly attempt: number;
    readonly outcome: string | null;
    readonly error: string | null;
    readonly is_closed: boolean;
  }[];
  readonly streams: readonly {
    readonly stream: string;
    readonly last_seq: number;
    readonly ended_in: number | null;
  }[];
  readonly events: readonly { readonly stream: string; readonly seq: number; readonly type: string }[];
  /** Rows of side tables without their job. */
  readonly orphans: number;
  readonly counted: Readonly<Record<string, number>>;
};

/** Empties the queue's tables. */
export async function emptyTables({ database }: QueueSystem): Promise<void> {
  await sql`SELECT model_empty() WHERE ${true}`.execute(database.queryable);
}

/**
 * Lets time pass, or with a negative number go back: every moment that the queue has written is moved the
 * other way. Nobody has to wait, and nothing depends on how fast the machine is; to the queue it is the same
 * as a database whose clock has jumped. A column that is forgotten here shows at once, since the model's
 * clock goes on for all.
 */
export async function passTime({ database }: QueueSystem, ms: number): Promise<void> {
  await sql`SELECT model_pass(${ms}::double precision)`.execute(database.queryable);
}

/** Everything that is compared with the model. */
export async function takeSnapshot({ database }: QueueSystem): Promise<Snapshot> {
  const found = await sql<{ seen: Snapshot }>`SELECT model_snapshot() AS seen WHERE ${true}`.execute(
    database.queryable,
  );
  const [row] = found.rows;
  if (row === undefined) throw new Error("the database answered nothing");
  return row.seen;
}
