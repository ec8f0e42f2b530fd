import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { systemSchema } from "@millrace/contracts";
import type { System } from "@millrace/contracts";
import { silentLogger } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { checkDatabase, checkFolder } from "./doctor/check-database.ts";
import { check, fine, problem, warning } from "./doctor/check.ts";
import type { Check } from "./doctor/check.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ApiClient } from "./server/api-client.ts";
import { findServer, isFolderHeld } from "./server/find-server.ts";
import type { CommandEnvironment } from "./settings.ts";
import { printableLine } from "./terminal/printable.ts";
import { createStyles } from "./terminal/style.ts";
import { fit } from "./terminal/width.ts";
import { writeJson } from "./write-json.ts";

/** The first Node that runs TypeScript and everything else we use without a flag. */
const leastNode = [24, 12] as const;
const webPage = fileURLToPath(new URL("../../../web/dist/index.html", import.meta.url));

/** `millrace doctor`: what works here and what does not; exit code 1 when something does not. */
export function addDoctorCommand(program: Command, host: CommandHost): void {
  program
    .command("doctor")
    .description("Look at Node, settings, data folder, database, models and the browser app")
    .option("--json", "print a JSON array")
    .action(async (options: { readonly json?: true }) => {
      const checks = await examine(host.environment());
      if (options.json) writeJson(checks);
      else writeChecks(checks);
      const isWell = checks.every(({ state }) => state !== "problem");
      host.finish(isWell ? exitCodes.ok : exitCodes.failed);
    });
}

async function examine(environment: CommandEnvironment): Promise<Check[]> {
  const checks = [
    await check("node", async () => checkNode(process.versions.node)),
    await check("settings", async () => {
      await environment.settings();
      return fine("can be used");
    }),
    await check("browser app", async () =>
      existsSync(webPage) ? fine("built") : warning("not built: npm run build (npm start does it by itself)"),
    ),
  ];
  // Everything else stands on the settings.
  if (checks.some(({ name, state }) => name === "settings" && state === "problem")) return checks;
  return [...checks, ...(await examineInstallation(environment))];
}

function checkNode(version: string): Omit<Check, "name"> {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isEnough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  return isEnough
    ? fine(version)
    : problem(`${version} is too old, ${leastNode.join(".")} or newer is needed`);
}

async function examineInstallation(environment: CommandEnvironment): Promise<Check[]> {
  const settings = await environment.settings();
  const folder = path.resolve(settings.DATA_DIR);
  let isHeld = false;
  const checks = [
    await check("data folder", async () => {
      isHeld = existsSync(folder) && isFolderHeld(folder);
      return await checkFolder(folder, isHeld);
    }),
  ];
  let client: ApiClient | undefined;
  checks.push(
    await check("server", async () => {
      client = await findServer(environment.connection());
      if (client !== undefined) return fine(`answers at ${client.url}`);
      return isHeld ? warning("who has the folder does not answer (yet)") : fine("none runs");
    }),
  );
  if (client !== undefined) return [...checks, ...(await examineServer(client))];
  if (!isHeld) checks.push(await check("database", () => checkDatabase(settings, folder)));
  checks.push(
    await check("models", async () => {
      const { createModels } = await import("@millrace/models");
      const { loadProgram } = await import("../config/load-program.ts");
      const { config } = await loadProgram(process.cwd());
      const limitedModels = [...(settings.MODEL_LIMITS?.keys() ?? [])];
      const models = createModels({ settings, logger: silentLogger, own: config.models, limitedModels });
      return describeModels(models, namesBeside(models));
    }),
  );
  return checks;
}

async function examineServer(client: ApiClient): Promise<Check[]> {
  let system: System | undefined;
  const asked = await check("access", async () => {
    system = await client.call("/api/system", systemSchema);
    return fine(`the server lets us in, version ${system.version}`);
  });
  if (system === undefined) return [asked];
  const { database, models } = system;
  return [
    asked,
    await check("database", async () => {
      await (await client.open("/readyz")).body?.cancel();
      return fine(`${database} answers`);
    }),
    await check("models", async () => describeModels(models)),
  ];
}

/** Chat models for purposes, or for when the first can't serve. */
function namesBeside(models: Pick<Models, "chat" | "endpoints">): string[] {
  return models
    .endpoints()
    .filter(({ kind, name }) => kind === "chat" && name !== models.chat.name)
    .map(({ name }) => name);
}

function describeModels(
  models: {
    readonly chat: { readonly name: string };
    readonly embedding: { readonly name: string };
    readonly notices: readonly string[];
  },
  others: readonly string[] = [],
): Omit<Check, "name"> {
  const beside = others.length === 0 ? "" : ` (besides ${others.join(", ")})`;
  const detail = `chat ${models.chat.name}${beside}, embeddings ${models.embedding.name}; millrace models test tries them`;
  return models.notices.length === 0 ? fine(detail) : warning(`${detail}. ${models.notices.join(" ")}`);
}

function writeChecks(checks: readonly Check[]): void {
  const styles = createStyles(process.stdout);
  const marks = {
    ok: styles.good("ok     "),
    warning: styles.warning("warning"),
    problem: styles.bad("problem"),
  };
  for (const { name, state, detail } of checks) {
    const lines = detail.split("\n").map(printableLine);
    process.stdout.write(`${marks[state]}  ${fit(name, 12)}  ${lines.join(`\n${" ".repeat(23)}`)}\n`);
  }
}
