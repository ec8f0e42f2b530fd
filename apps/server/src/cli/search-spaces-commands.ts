import { embeddingSpaceSchema, pageSchema } from "@millrace/contracts";
import type { EmbeddingSpace } from "@millrace/contracts";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { invalidArguments } from "./errors.ts";
import { shortSeconds } from "./terminal/duration.ts";
import { printableLine } from "./terminal/printable.ts";
import { writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type JsonOption = { readonly json?: true };

const spacesSchema = pageSchema(embeddingSpaceSchema);

/** `millrace search spaces ls|pause|resume`: how far embedding all passages with another model has come. */
export function addSearchSpacesCommands(search: Command, host: CommandHost): void {
  const spaces = search.command("spaces").description("The vectors of each embedding model");
  spaces
    .command("ls", { isDefault: true })
    .description("List them: the active one first, then the one that is being filled")
    .option("--json", "print a JSON array")
    .action(async (_options: unknown, command: Command) => {
      const { data } = await (await host.server()).call("/api/search/spaces", spacesSchema);
      if (isJson(command)) writeJson(data);
      else writeTable<EmbeddingSpace>(process.stdout, columns, data);
    });
  for (const [name, description] of [
    ["pause", "Stop embedding passages anew; what is done stays"],
    ["resume", "Go on embedding passages anew, from where it was"],
  ] as const) {
    spaces
      .command(`${name} [space]`)
      .description(`${description}. Without an id: the one that is being filled`)
      .option("--json", "print JSON")
      .action(async (id: string | undefined, _options: unknown, command: Command) => {
        const client = await host.server();
        const wanted = id ?? (await findBuilding(host));
        const path = `/api/search/spaces/${encodeURIComponent(wanted)}/${name}`;
        const space = await client.call(path, embeddingSpaceSchema, { method: "POST" });
        if (isJson(command)) writeJson(space);
        else writeTable<EmbeddingSpace>(process.stdout, columns, [space]);
      });
  }
}

/** The command above takes --json too, wherever it stands. */
function isJson(command: Command): boolean {
  return command.optsWithGlobals<JsonOption>().json === true;
}

async function findBuilding(host: CommandHost): Promise<string> {
  const { data } = await (await host.server()).call("/api/search/spaces", spacesSchema);
  const building = data.find(({ status }) => status === "building");
  if (building !== undefined) return building.id;
  throw invalidArguments("No space is being filled. `millrace search spaces` lists them.");
}

const columns = [
  { title: "SPACE", value: ({ id }: EmbeddingSpace) => id },
  {
    title: "MODEL",
    value: ({ model, revision }: EmbeddingSpace) =>
      printableLine(revision === "" ? model : `${model} (${revision})`),
  },
  { title: "DIMENSIONS", value: ({ dimensions }: EmbeddingSpace) => String(dimensions ?? "-") },
  { title: "STATUS", value: statusOf },
  { title: "PASSAGES", value: passagesOf },
  { title: "LEFT", value: ({ eta_seconds: eta }: EmbeddingSpace) => shortSeconds(eta) },
  {
    title: "COST",
    value: ({ estimated_cost: cost }: EmbeddingSpace) => (cost === null ? "?" : `$${cost.toFixed(2)}`),
  },
  {
    title: "ERROR",
    value: ({ error }: EmbeddingSpace) => (error === null ? "-" : printableLine(error.message)),
    isFlexible: true,
  },
];

function statusOf({ status, paused_at: pausedAt }: EmbeddingSpace): string {
  return pausedAt === null ? status : "paused";
}

/** What was counted while it was filled says nothing of one that is complete. */
function passagesOf({ status, passages: { done, total } }: EmbeddingSpace): string {
  return status === "building" ? `${done}/${total}` : "-";
}
