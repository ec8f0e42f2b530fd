import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Ground } from "../ground/ground.ts";
import { findOwnProcesses } from "../ground/own-processes.ts";
import type { OwnProcess } from "../ground/own-processes.ts";

/** A process whose parent has died looks every second whether it has, on a machine that may be busy. */
const goneAfterMs = 10_000;
/** What a dead process had set aside for calls of models is kept for 90 s; what a living one has, for ever. */
const givenBackAfterMs = 95_000;

/** I7: what is left behind of work that has ended, in words. What is about to go by itself gets its time. */
export async function findLeftovers({ database, dataDirectory, seats }: Ground): Promise<string[]> {
  const members = seats.map(({ member }) => member);
  const { queryable } = database;
  const found = await Promise.all([
    untilGone(async () => {
      const processes = await findOwnProcesses(dataDirectory);
      const ids = members.flatMap(({ processId }) => processId ?? []);
      const killedMs = Math.max(0, ...members.map(({ killedMs: atMs }) => atMs ?? 0));
      return [
        ...findOrphans(processes, ids),
        ...(await findForgottenFiles(dataDirectory, processes, killedMs)),
        ...(await findHalfClosed(processes.filter(({ id }) => ids.includes(id)))),
      ];
    }, goneAfterMs),
    untilGone(() => findReserved(queryable), givenBackAfterMs),
    findOpenTransactions(queryable),
  ]);
  return found.flat();
}

async function untilGone(find: () => Promise<string[]>, limitMs: number): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const left = await find();
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(500);
  }
}

/** Processes of which no member is an ancestor: those that it had started outlive it. */
export function findOrphans(processes: readonly OwnProcess[], members: readonly number[]): string[] {
  const kept = new Set(members);
  for (let grown = -1; grown !== kept.size;) {
    grown = kept.size;
    for (const { id, parentId } of processes) if (kept.has(parentId)) kept.add(id);
  }
  return processes
    .filter(({ id }) => !kept.has(id))
    .map(({ id, parentId, command }) => `process ${id} is left, of parent ${parentId}: ${command}`);
}

/**
 * Folders of children that are gone, and uploads that nobody goes on with. A process that was killed while it
 * received an upload may leave that: it is removed when it is an hour old.
 */
export async function findForgottenFiles(
  dataDirectory: string,
  processes: readonly Pick<OwnProcess, "folder">[],
  killedMs: number,
): Promise<string[]> {
  const used = new Set(processes.map(({ folder }) => folder));
  const temporary = (await list(join(dataDirectory, "tmp"))).filter((path) => !used.has(path));
  const uploads: string[] = [];
  for (const path of await list(join(dataDirectory, "unfinished"))) {
    const changedMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0, // It has just been finished.
    );
    if (changedMs > killedMs) uploads.push(path);
  }
  return [...temporary, ...uploads].map((path) => `a file is left: ${path}`);
}

async function list(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.map((name) => join(folder, name));
}

/** Connections that the other side has closed and the process keeps: nothing will ever come on them. */
export async function findHalfClosed(
  processes: readonly Pick<OwnProcess, "id" | "command">[],
): Promise<string[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  // Number, own address, the other's, state (08: CLOSE_WAIT), …, inode.
  const peers = new Map<string, number>(
    tables
      .flatMap((table) => table.split("\n").map((line) => line.trim().split(/\s+/)))
      .flatMap(([, , peer, state, , , , , , inode]) =>
        state === "08" && peer !== undefined ? [[`socket:[${inode}]`, portOf(peer)] as const] : [],
      ),
  );
  const held = await Promise.all(
    processes.map(async ({ id, command }) => {
      const descriptors = await list(`/proc/${id}/fd`);
      const targets = await Promise.all(descriptors.map((path) => readlink(path).catch(() => "")));
      return targets.flatMap((target) => {
        const port = peers.get(target);
        return port === undefined ? [] : [`a closed connection to port ${port} is kept by ${id}: ${command}`];
      });
    }),
  );
  return held.flat();
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(":") + 1), 16);
}

/** What is set aside of budgets for calls of models, and sums that differ from that. */
export async function findReserved(queryable: Queryable): Promise<string[]> {
  const found = await sql<{ left: string }>`
    SELECT tokens || ' tokens of ' || scope || ' are still set aside as ' || id AS left
    FROM model_reservation WHERE expires_at > clock_timestamp()
    UNION ALL
    SELECT 'the budget of ' || scope || ' has ' || reserved_tokens || ' tokens and ' || reserved_dollars
           || ' dollars set aside, its reservations have ' || coalesce(tokens, 0) || ' and ' || coalesce(dollars, 0)
    FROM model_budget_use LEFT JOIN (
      SELECT scope, sum(tokens) AS tokens, sum(dollars) AS dollars FROM model_reservation GROUP BY scope
    ) AS held USING (scope)
    WHERE (reserved_tokens, reserved_dollars) <> (coalesce(tokens, 0), coalesce(dollars, 0))`.execute(
    queryable,
  );
  return found.rows.map(({ left }) => left);
}

async function findOpenTransactions(queryable: Queryable): Promise<string[]> {
  const found = await sql<{ query: string }>`
    SELECT query FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND xact_start < now() - interval '10 seconds'`.execute(
    queryable,
  );
  return found.rows.map(({ query }) => `a transaction is left open after: ${query.slice(0, 200)}`);
}
