import swagger from "@fastify/swagger";
import { problemSchema } from "@millrace/contracts";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { maxWaitSeconds } from "./prefer.ts";
import { problemContentType } from "./problem.ts";

declare module "fastify" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface can be extended
  interface FastifyContextConfig {
    /** Headers that the route heeds, for its description. */
    heeds?: readonly HeededHeader[];
  }
}

type HeededHeader = keyof typeof headers;

/** Describes every route added to the app from now on at `/openapi.json`, for those with access. */
export async function addOpenApi(
  app: FastifyInstance,
  options: { readonly version: string; readonly publicUrl: string | undefined },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Millrace",
        version: options.version,
        description:
          "Documents in, analysis out live. Long work answers 202 with the job at `Location`. Errors are problem details with a stable `code`.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: options.publicUrl ?? "/" }],
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            description: "The value of MILLRACE_TOKEN, when it is set.",
          },
        },
      },
      security: [{ token: [] }, {}],
    },
    transform: describeRoute,
    transformObject: jsonSchemaTransformObject,
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}

const toJsonSchemas = createJsonSchemaTransform({});

/** Adds what every route can answer, so that no route has to repeat it. */
const describeRoute: typeof toJsonSchemas = (route) => {
  const described = toJsonSchemas(route);
  if (!route.url.startsWith("/api/") || described.schema?.hide === true) return described;
  const response = { ...(described.schema?.response as Record<string, unknown> | undefined) };
  response["default"] ??= {
    description: "A problem, told by its `code`",
    content: { [mediaType]: { schema: { $ref: `#/components/schemas/${problemName}` } } },
  };
  // What is no JSON has no schema: its type says what it is.
  const [text] = described.schema?.produces ?? [];
  if (text !== undefined && response["200"] === undefined)
    response["200"] = { description: "As text", content: { [text]: { schema: { type: "string" } } } };
  const heeded = route.route.config?.heeds ?? [];
  if (heeded.length === 0) return { ...described, schema: { ...described.schema, response } };
  const properties = Object.fromEntries(heeded.map((name) => [name, headers[name]]));
  return { ...described, schema: { ...described.schema, headers: { type: "object", properties }, response } };
};

const headers = {
  "idempotency-key": {
    type: "string",
    description:
      "The same key again, with the same request, gives what the first one gave (with `Idempotent-Replayed: true`) and makes nothing new.",
  },
  prefer: {
    type: "string",
    pattern: "wait=",
    description: `\`wait=N\` waits for the end, ${maxWaitSeconds} seconds at most. \`Preference-Applied\` says that it was heeded.`,
  },
} as const;

const mediaType = problemContentType.split(";", 1)[0] ?? problemContentType;
const problemName = problemSchema.meta()?.id ?? "Problem";
