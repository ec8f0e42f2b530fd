import { handleCrewRun, loadCrews } from "@millrace/crews";
import type { CrewRegistries, LoadedCrews } from "@millrace/crews";
import type { Database } from "@millrace/database";
import type { Extractor } from "@millrace/extract";
import type { Logger } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { AnyTaskHandler, NewEvent, WriteScope } from "@millrace/queue";
import { recordCharge } from "@millrace/usage";
import type { Program } from "../config/load-program.ts";
import type { Settings } from "../settings.ts";
import { modelNames } from "./model-names.ts";
import { shippedTools } from "./shipped-tools.ts";
import { unknownPermissions } from "./unknown-permissions.ts";

export type OpenCrewsParts = {
  readonly program: Program;
  readonly settings: Settings;
  readonly database: Database;
  readonly extractor: Extractor;
  readonly models: Models;
  readonly logger: Logger;
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};

export type OpenCrews = { readonly crews: LoadedCrews; readonly handler: AnyTaskHandler };

/**
 * Reads the crews of a program and makes the handler that runs them. Crews that can't be used are logged, each
 * problem with its file, line and key; they keep nothing else from running.
 */
export async function openCrews(parts: OpenCrewsParts): Promise<OpenCrews> {
  const { program, settings, database, models, logger, appendEvents } = parts;
  const registries = registriesOf(parts);
  const crews =
    program.crews === undefined
      ? { crews: [], broken: [] }
      : await loadCrews(program.crews, registries, program.folder);
  const allowed = settings.CREW_PERMISSIONS;
  for (const problem of unknownPermissions(allowed, Object.values(registries.tools))) logger.warn(problem);
  for (const { error } of crews.broken) logger.error(error.message);
  return {
    crews,
    handler: handleCrewRun({
      crews,
      database: database.background,
      models,
      charge: recordCharge,
      permissions: allowed,
      appendEvents,
    }),
  };
}

function registriesOf({ program, settings, database, extractor, models }: OpenCrewsParts): CrewRegistries {
  const { tools, schemas = {}, callbacks = {}, guardrails = {}, conditions = {}, llms = {} } = program.config;
  const shipped = shippedTools({
    database,
    extractor,
    models,
    allowedHosts: settings.FETCH_ALLOWED_HOSTS ?? [],
  });
  return {
    // A program's own may take the place of one that is shipped.
    tools: { ...shipped, ...tools },
    schemas,
    callbacks,
    guardrails,
    conditions,
    models: modelNames(models.endpoints(), llms),
  };
}
