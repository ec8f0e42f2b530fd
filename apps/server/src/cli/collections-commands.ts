import { collectionSchema, tagCountSchema } from "@millrace/contracts";
import type { Collection, TagCount } from "@millrace/contracts";
import type { Command } from "commander";
import { z } from "zod";
import type { CommandHost } from "./command-host.ts";
import { positiveInteger } from "./option-values.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };
type ListOptions = JsonOption & { readonly limit: number };

const pathOf = (name: string) => `/api/collections/${encodeURIComponent(name)}`;

/** `millrace collections ls|create|rename|rm` and `millrace tags`. */
export function addCollectionsCommands(program: Command, host: CommandHost): void {
  const collections = program.command("collections").description("Collections of documents");
  collections
    .command("ls")
    .description("List collections, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 100)
    .option("--json", "print a JSON array")
    .action(async ({ limit, json }: ListOptions) => {
      const all = await listItems(await host.server(), "/api/collections", collectionSchema, { limit });
      if (json) writeJson(all);
      else writeCollections(all);
    });
  collections
    .command("create <name>")
    .description("Make one")
    .option("--json", "print it as JSON")
    .action(async (name: string, options: JsonOption) => {
      await send(host, { path: "/api/collections", method: "POST", name, ...options });
    });
  collections
    .command("rename <collection> <name>")
    .description("Give one, by its name or id, another name")
    .option("--json", "print it as JSON")
    .action(async (collection: string, name: string, options: JsonOption) => {
      await send(host, { path: pathOf(collection), method: "PATCH", name, ...options });
    });
  collections
    .command("rm <collection>")
    .description("Delete one, by its name or id; its documents stay")
    .action(async (collection: string) => {
      await (await host.server()).call(pathOf(collection), z.null(), { method: "DELETE" });
      process.stderr.write(`Deleted ${printableLine(collection)}\n`);
    });
  program
    .command("tags")
    .description("Tags in use, with how many documents have them")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 1000)
    .option("--json", "print a JSON array")
    .action(async ({ limit, json }: ListOptions) => {
      const all = await listItems(await host.server(), "/api/tags", tagCountSchema, { limit });
      if (json) writeJson(all);
      else writeTags(all);
    });
}

async function send(
  host: CommandHost,
  request: JsonOption & {
    readonly path: string;
    readonly method: "POST" | "PATCH";
    readonly name: string;
  },
): Promise<void> {
  const { path, method, name, json } = request;
  const body = JSON.stringify({ name });
  const collection = await (await host.server()).call(path, collectionSchema, { method, body });
  if (json) writeJson(collection);
  else process.stdout.write(`${collection.id}\n`);
}

function writeCollections(collections: readonly Collection[]): void {
  writeTable<Collection>(
    process.stdout,
    [
      { title: "ID", value: ({ id }) => id },
      { title: "DOCUMENTS", value: ({ document_count: count }) => String(count) },
      { title: "CREATED", value: (collection) => shortMoment(collection.created_at) },
      { title: "NAME", value: ({ name }) => name, isFlexible: true },
    ],
    collections,
  );
}

function writeTags(tags: readonly TagCount[]): void {
  writeTable<TagCount>(
    process.stdout,
    [
      { title: "DOCUMENTS", value: ({ document_count: count }) => String(count) },
      { title: "TAG", value: ({ tag }) => tag, isFlexible: true },
    ],
    tags,
  );
}
