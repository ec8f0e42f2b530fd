import { describe, expect, it } from "vitest";
import { findWriteSites, findWritingFunctions } from "./write-sites.ts";

const known = { names: ["claim", "reap"], writingFunctions: ["take_jobs"] };

function problemsOf(source: string, others: Readonly<Record<string, string>> = {}): readonly string[] {
  return findWriteSites(new Map(Object.entries({ "a.ts": source, ...others })), known).problems;
}

const unwatchedWrite = "a write commits without a crash point";

describe("a source is refused that", () => {
  it.each([
    ["inserts", "INSERT INTO job (id) VALUES (1)"],
    ["updates", "UPDATE job SET state = 'queued'"],
    ["updates in another case", "update job set state = 'queued'"],
    ["deletes", "DELETE FROM job"],
    ["calls a function that writes", "SELECT * FROM take_jobs($1)"],
    ["locks", "SELECT id FROM job FOR UPDATE SKIP LOCKED"],
    ["deletes in an expression", "WITH gone AS (DELETE FROM job RETURNING id) SELECT count(*) FROM gone"],
  ])("%s outside of a commit", (_what, statement) => {
    const source = `
      export async function change(database: QueryAccess): Promise<void> {
        await sql\`${statement}\`.execute(database.queryable);
      }`;

    expect(problemsOf(source)).toEqual([`a.ts:3: ${unwatchedWrite}`]);
  });

  it("executes a statement that was made before", () => {
    const source = `
      export async function change(database: QueryAccess): Promise<void> {
        const statement = sql\`DELETE FROM job\`;
        await statement.execute(database.queryable);
      }`;

    expect(problemsOf(source)).toEqual([`a.ts:4: ${unwatchedWrite}`]);
  });

  it("puts a statement together from a part that writes in another file", () => {
    const source = `
      import { taken } from "./b.ts";
      export const claim = (database: QueryAccess) =>
        sql\`WITH \${taken("x")} SELECT * FROM taken\`.execute(database.queryable);`;
    const other = `export function taken(name: string) { return sql\`taken AS (UPDATE job SET a = \${name})\`; }`;

    expect(problemsOf(source, { "b.ts": other })).toEqual([`a.ts:4: ${unwatchedWrite}`]);
  });

  it("sends a text over a connection of its own", () => {
    const source = `
      const beat = "UPDATE job SET lease_until = now()";
      export const send = (connection: Client) => connection.query(beat, []);`;

    expect(problemsOf(source)).toEqual([`a.ts:3: ${unwatchedWrite}`]);
  });

  it("executes what it was given", () => {
    const source = `
      export const run = (database: QueryAccess, statement: RawBuilder<unknown>) =>
        statement.execute(database.queryable);`;

    expect(problemsOf(source)).toEqual([`a.ts:3: ${unwatchedWrite}`]);
  });

  it("is called without a commit once, though with one elsewhere", () => {
    const source = `
      async function change(queryable: Queryable): Promise<void> {
        await sql\`DELETE FROM job\`.execute(queryable);
      }
      export const good = (database: QueryAccess) => commit("claim", () => change(database.queryable));
      export const bad = (database: QueryAccess) => change(database.queryable);`;

    expect(problemsOf(source)).toEqual([`a.ts:3: ${unwatchedWrite}`]);
  });

  it("hands a function that writes to somebody else", () => {
    const source = `
      async function change(database: QueryAccess): Promise<void> {
        await sql\`DELETE FROM job\`.execute(database.queryable);
      }
      export const good = (database: QueryAccess) => commit("claim", () => change(database));
      export const bad = (databases: QueryAccess[]) => Promise.all(databases.map(change));`;

    expect(problemsOf(source)).toEqual([`a.ts:3: ${unwatchedWrite}`]);
  });

  it("writes with a query builder", () => {
    const source = `export const change = (db: Queryable) => db.deleteFrom("job").execute();`;

    expect(problemsOf(source)).toEqual(["a.ts:1: a write must be an sql template, which is looked at here"]);
  });

  it("opens a transaction by itself", () => {
    const source = `export const change = (database: QueryAccess) => database.transaction((transaction) => work(transaction));`;

    expect(problemsOf(source)).toEqual(["a.ts:1: a transaction commits without a crash point"]);
  });

  it("opens a write scope without a name", () => {
    const source = `export const change = (database: QueryAccess) => withWriteScope(database, (scope) => work(scope));`;

    expect(problemsOf(source)).toEqual(["a.ts:1: the commit has no name"]);
  });

  it("names a commit as none is named", () => {
    const source = `export const change = (database: QueryAccess) => commit("unheard_of", () => work(database));`;

    expect(problemsOf(source)).toEqual(["a.ts:1: unheard_of is not among the names of commits"]);
  });
});

describe("a source passes that", () => {
  it.each([
    [
      "reads",
      "export const read = (database: QueryAccess) => sql`SELECT updated_at FROM job`.execute(database.queryable);",
    ],
    [
      "writes in a commit",
      'export const change = (database: QueryAccess) => commit("claim", () => sql`DELETE FROM job`.execute(database.queryable));',
    ],
    [
      "writes in a transaction that it was given",
      "export const change = (transaction: Transaction) => sql`DELETE FROM job`.execute(transaction);",
    ],
    [
      "writes in a write scope",
      "export const change = (scope: WriteScope) => sql`DELETE FROM job`.execute(scope.transaction);",
    ],
    [
      "writes in a function that is only called in a commit or with a transaction",
      `async function change(queryable: Queryable): Promise<void> {
         await sql\`DELETE FROM job\`.execute(queryable);
       }
       export const alone = (database: QueryAccess) => commit("claim", () => change(database.queryable));
       export const together = (scope: WriteScope) => change(scope.transaction);`,
    ],
    [
      "has a method of its own that is called as those of statements are",
      "class Worker { #execute(job: Job) { return job; } run(job: Job) { return this.#execute(job); } }",
    ],
    [
      "opens a transaction between its two crash points",
      `export async function change(database: QueryAccess): Promise<void> {
         await database.transaction(async (transaction) => {
           await work(transaction);
           crashPoint("claim", "before");
         });
         crashPoint("claim", "after");
       }`,
    ],
  ])("%s", (_what, source) => {
    expect(problemsOf(source)).toEqual([]);
  });
});

it("the functions of the database that write are found", () => {
  const migrations = `
    CREATE FUNCTION count_jobs() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM job $$;
    CREATE OR REPLACE FUNCTION take_jobs(wanted integer) RETURNS SETOF job LANGUAGE plpgsql
    SET enable_sort = off AS $$ BEGIN RETURN QUERY SELECT * FROM job FOR UPDATE; END $$;
    CREATE FUNCTION end_job(id uuid) RETURNS void LANGUAGE sql AS $$ UPDATE job SET state = 'succeeded' $$;`;

  expect(findWritingFunctions(migrations)).toEqual(["take_jobs", "end_job"]);
});

it("the names in use are found wherever one stands", () => {
  const source = `
    export const one = (database: QueryAccess) => commit("claim", () => work(database));
    export const other = (database: QueryAccess) => withWriteScope(database, work, "reap");`;

  expect([...findWriteSites(new Map([["a.ts", source]]), known).names]).toEqual(["claim", "reap"]);
});
