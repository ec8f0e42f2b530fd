import type { Cache } from "@millrace/cache";
import type { CrewRegistries } from "@millrace/crews";
import type { Database, QueryAccess } from "@millrace/database";
import type { Access, Logger } from "@millrace/kernel";
import type { Models, OwnModels } from "@millrace/models";
import type { AnyTaskHandler, HookListener, HookName, NewSchedule, Queue } from "@millrace/queue";
import type { FastifyPluginAsync, FastifyPluginCallback, FastifyRequest } from "fastify";
import type { Settings } from "../settings.ts";

/** What a function that makes handlers gets. The same in the server and in a job's own process. */
export type TaskParts = {
  /** For reading. What a job writes goes through `context.transaction`, which refuses a late attempt. */
  readonly database: QueryAccess;
  /** What can be computed again, over all processes. Handlers have it in their context too. */
  readonly cache: Cache;
  readonly logger: Logger;
  readonly settings: Readonly<Settings>;
  /** The models that the settings, or `models` of the configuration, mean. Calls of them belong in a step. */
  readonly models: Pick<
    Models,
    "chat" | "chatFor" | "embedding" | "generateObject" | "generateText" | "turn" | "embed"
  >;
};

/** What every plugin gets among its options. */
export type PluginParts = {
  readonly queue: Queue;
  readonly database: Database;
  /** What can be computed or fetched again, over all processes. */
  readonly cache: Cache;
  readonly logger: Logger;
  readonly settings: Readonly<Settings>;
  /** On whose behalf a request is made. Throws `unauthorized`. */
  readonly authenticate: (request: FastifyRequest) => Promise<Access>;
};

/** A Fastify plugin that knows what Millrace gives it. */
export type Plugin<Options extends object = object> = FastifyPluginAsync<PluginParts & Options>;

// Never: a plugin of any options may stand among the others; which ones it wants is its own to know.
type AnyPlugin = FastifyPluginAsync<never> | FastifyPluginCallback<never>;

export type PluginWithOptions = {
  readonly plugin: AnyPlugin;
  /** Handed to the plugin, `prefix` among them, beside what every plugin gets. */
  readonly options?: Readonly<Record<string, unknown>>;
};

/** What `millrace.config.ts` may say. All of it is optional, and so is the file. */
export type Config = {
  /** Handlers besides those found in the tasks folder, or a function that makes them. */
  readonly tasks?:
    | readonly AnyTaskHandler[]
    | ((parts: TaskParts) => readonly AnyTaskHandler[] | Promise<readonly AnyTaskHandler[]>);
  /** The folder whose files are searched for handlers. Default `tasks`, if it is there. */
  readonly tasksDirectory?: string;
  /** Routes and whatever else Fastify plugins do, mounted after Millrace's own. */
  readonly plugins?: readonly (AnyPlugin | PluginWithOptions)[];
  /** A folder of `*.sql`, applied after Millrace's own in the order of their names. Default none. */
  readonly migrations?: string;
  /**
   * When tasks run by themselves, each made by `schedule({ … })`. They are taken over at every start: what
   * is no longer here is deleted, as long as there is a configuration.
   */
  readonly schedules?: readonly NewSchedule[];
  /** Called after the commit on what happens to jobs, workers and queues in the server's process. */
  readonly hooks?: { readonly [Name in HookName]?: HookListener<Name> };
  /** Models of any provider of the AI SDK, and which of them serve which purpose. */
  readonly models?: OwnModels;
  /** The folder with crews, each a folder of its own. Default `crews`, if it is there. */
  readonly crewsDirectory?: string;
  /** Tools that crews may name, besides those that are shipped: each made by `defineTool`. */
  readonly tools?: CrewRegistries["tools"];
  /** Zod schemas that tasks of crews may name for their output. */
  readonly schemas?: CrewRegistries["schemas"];
  /** Functions that crews may name: called after turns and tasks, and before and after a run. */
  readonly callbacks?: CrewRegistries["callbacks"];
  /** Functions that judge the output of a crew's task. */
  readonly guardrails?: CrewRegistries["guardrails"];
  /** Functions that say whether a crew's task is worked on. */
  readonly conditions?: CrewRegistries["conditions"];
  /** What `llm` of an agent says, such as `openai/gpt-4o`, and the name of the model that is asked then. */
  readonly llms?: CrewRegistries["models"];
};

/** The default export of `millrace.config.ts`. Gives the editor the types; checks nothing by itself. */
export function defineConfig(config: Config): Config {
  return config;
}
