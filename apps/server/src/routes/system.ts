import { fileTypes, systemSchema } from "@millrace/contracts";
import { chatChoices } from "@millrace/models";
import { toBrokerState } from "@millrace/queue";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

/** `GET /api/system`: what the pages need to know of the installation. */
export function systemRoutes(app: TypedApp, { installation, access, settings, version }: RouteParts): void {
  const { database, models, broker } = installation;
  app.get(
    "/api/system",
    { schema: { tags: ["System"], summary: "This installation", response: { 200: systemSchema } } },
    async (request) => {
      await access.authenticate(request);
      return {
        version,
        mode: database.kind === "embedded" ? ("embedded" as const) : ("server" as const),
        database: database.description,
        broker: toBrokerState(broker.status()),
        models: {
          chat: { name: models.chat.name, built_in: models.chat.builtIn },
          chat_choices: chatChoices(models).map(({ name, builtIn }) => ({ name, built_in: builtIn })),
          embedding: { name: models.embedding.name, built_in: models.embedding.builtIn },
          notices: [...models.notices],
        },
        max_upload_bytes: settings.MAX_UPLOAD_BYTES,
        file_types: [...fileTypes],
        trash_days: settings.TRASH_DAYS,
      };
    },
  );
}
