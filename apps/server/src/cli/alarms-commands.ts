import { alarmKinds, alarmSchema, alarmSeveritySchema, alarmTestSchema } from "@millrace/contracts";
import type { Alarm } from "@millrace/contracts";
import { Option } from "commander";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { exitCodes } from "./exit-codes.ts";
import { positiveInteger } from "./option-values.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { listItems } from "./server/list-all.ts";
import { printableLine } from "./terminal/printable.ts";
import { shortMoment, writeTable } from "./terminal/table.ts";
import { writeJson } from "./write-json.ts";

type ListOptions = {
  readonly limit: number;
  readonly state: string;
  readonly kind?: string;
  readonly severity?: string;
  readonly json?: true;
};

/** `millrace alarms ls|ack|test`, through the running server. */
export function addAlarmsCommands(program: Command, host: CommandHost): void {
  const alarms = program.command("alarms").description("What is wrong with queues, workers and the database");
  const server = (): Promise<ApiClient> => getServer(host.environment().connection());
  alarms
    .command("ls")
    .description("List alarms, newest first")
    .option("--limit <number>", "how many at most", positiveInteger(100_000), 20)
    .addOption(
      new Option("--state <state>", "open ones, or the cleared ones too")
        .choices(["open", "all"])
        .default("open"),
    )
    .addOption(new Option("--kind <kind>", "only these").choices(alarmKinds))
    .addOption(new Option("--severity <severity>", "only these").choices(alarmSeveritySchema.options))
    .option("--json", "print a JSON array")
    .action(async (options: ListOptions) => list(await server(), options));
  alarms
    .command("ack <id>")
    .description("Say that you have seen an open alarm")
    .option("--json", "print JSON")
    .action(async (id: string, options: { readonly json?: true }) => {
      const path = `/api/alarms/${encodeURIComponent(id)}/acknowledge`;
      const alarm = await (await server()).call(path, alarmSchema, { method: "POST" });
      if (options.json) writeJson(alarm);
      else process.stderr.write(`Acknowledged: ${printableLine(alarm.message)}\n`);
    });
  alarms
    .command("test")
    .description(
      "Send the webhook a message; one that had answered 410 Gone is called again when it takes it",
    )
    .option("--json", "print JSON")
    .action(async (options: { readonly json?: true }) => {
      const tried = await (await server()).call("/api/alarms/test", alarmTestSchema, { method: "POST" });
      if (options.json) writeJson(tried);
      else if (tried.delivered) process.stderr.write("The webhook took a message.\n");
      else
        process.stderr.write(
          `millrace: the webhook took no message: ${printableLine(tried.problem ?? "")}\n`,
        );
      host.finish(tried.delivered ? exitCodes.ok : exitCodes.failed);
    });
}

async function list(client: ApiClient, { json, limit, ...query }: ListOptions): Promise<void> {
  const alarms = await listItems(client, "/api/alarms", alarmSchema, { limit, query });
  if (json) {
    writeJson(alarms);
    return;
  }
  writeTable<Alarm>(
    process.stdout,
    [
      { title: "ID", value: (alarm) => alarm.id },
      { title: "SEVERITY", value: (alarm) => alarm.severity },
      { title: "KIND", value: (alarm) => alarm.kind },
      { title: "STATE", value: (alarm) => stateOf(alarm) },
      { title: "RAISED", value: (alarm) => shortMoment(alarm.raised_at) },
      { title: "MESSAGE", value: (alarm) => alarm.message, isFlexible: true },
    ],
    alarms,
  );
}

function stateOf({ state, acknowledged_by: by }: Alarm): string {
  return state === "open" && by !== null ? `seen by ${by}` : state;
}
