/** Loads one program and prints what came of it as JSON: in a process that nothing but Node runs. */
import { isMillraceError, silentLogger } from "@millrace/kernel";
import { createProgramHandlers } from "../../src/config/program-handlers.ts";
import { loadProgram } from "../../src/config/load-program.ts";
import { readSettings } from "../../src/settings.ts";

async function load(folder: string): Promise<unknown> {
  try {
    const program = await loadProgram(folder);
    const handlers = await createProgramHandlers(program, [], {
      // Nothing here asks the database for anything.
      database: undefined as never,
      cache: undefined as never,
      logger: silentLogger,
      settings: readSettings({}),
      models: undefined as never,
    });
    return { tasks: handlers.map(({ task }) => `${task.name}@${task.version}`) };
  } catch (error) {
    return isMillraceError(error) ? { code: error.code, items: error.items } : { code: String(error) };
  }
}

const [folder = ""] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await load(folder))}\n`);
