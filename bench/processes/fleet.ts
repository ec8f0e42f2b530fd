import { migrate, openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { sql } from "kysely";
import { readState, servicesDirectory } from "../../scripts/services/state.ts";
import { onPostgres } from "../peers/place.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { repository } from "./repository.ts";
import { withTemporaryFolder } from "./temporary-folder.ts";

/** The product as processes of one role each, on a database of its own behind pgBouncer. */
export type Fleet = {
  /** Straight to PostgreSQL. */
  readonly directUrl: string;
  /** `api` or `worker` with its options, in the folder of `bench/material/program`. */
  readonly role: (...words: readonly string[]) => Promise<Child>;
};

/** Gives `work` the product, and ends every process that it started. */
export async function withFleet(
  environment: Readonly<Record<string, string>>,
  work: (fleet: Fleet) => Promise<void>,
): Promise<void> {
  await withDatabase(async ({ directUrl, pooledUrl }) => {
    await withTemporaryFolder(async (folder) => {
      const children: Child[] = [];
      const settings = {
        ...{ DATABASE_URL: pooledUrl, DATABASE_DIRECT_URL: directUrl, DATA_DIR: folder },
        ...{ HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "warn" },
        ...environment,
      };
      const role: Fleet["role"] = async (...words) => {
        const child = await startChild({
          program: "apps/server/src/main.ts",
          programArguments: words,
          folder: `${repository}/bench/material/program`,
          environment: settings,
        });
        children.push(child);
        return child;
      };
      try {
        await work({ directUrl, role });
      } finally {
        for (const child of children.toReversed()) await child.stop();
      }
    });
  });
}

type Place = { readonly directUrl: string; readonly pooledUrl: string };

async function withDatabase(work: (place: Place) => Promise<void>): Promise<void> {
  const state = await readState(servicesDirectory());
  if (state === undefined) throw new Error("The services do not run. Start them: npm run services -- start");
  const name = `millrace_bench_${newId().replaceAll("-", "")}`;
  await onPostgres(state.postgresUrl, sql.raw(`CREATE DATABASE ${name} TEMPLATE template0`));
  const at = (url: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const place = { directUrl: at(state.postgresUrl), pooledUrl: at(state.pgbouncerUrl) };
  try {
    const database = openPostgres({ url: place.directUrl, poolSize: 1, logger: silentLogger });
    try {
      await migrate(database);
    } finally {
      await database.close();
    }
    await work(place);
  } finally {
    await onPostgres(state.postgresUrl, sql.raw(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }
}

/** Asks the API for something. Throws when it does not do it. */
export async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
