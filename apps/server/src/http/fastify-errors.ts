import type { ErrorItem, MillraceError } from "@millrace/kernel";
import { isMillraceError } from "@millrace/kernel";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { FastifyError } from "fastify";
import {
  bodyTooLarge,
  invalidRequest,
  malformedJson,
  malformedRequest,
  malformedUrl,
  pathNotFound,
  routeNotFound,
  serverBusy,
  unsupportedMediaType,
} from "./errors.ts";

/** As many problems as a person can use; a body with a thousand wrong fields stays a small answer. */
const maxItems = 50;

const jsonAdvice = "This is not valid JSON. Check quotes, commas and brackets.";

/** Fastify's stable error codes and what they are in ours. */
const byFastifyCode: Readonly<Record<string, (error: unknown) => MillraceError>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: (error) => malformedJson(jsonAdvice, error),
  FST_ERR_CTP_EMPTY_JSON_BODY: (error) => malformedJson("The body is empty. Send a JSON object.", error),
  FST_ERR_CTP_BODY_TOO_LARGE: bodyTooLarge,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => unsupportedMediaType("application/json"),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: malformedRequest,
  FST_ERR_BAD_URL: malformedUrl,
  // An id this long names nothing.
  FST_ERR_MAX_PARAM_LENGTH: pathNotFound,
  FST_ERR_NOT_FOUND: routeNotFound,
  FST_ERR_HANDLER_TIMEOUT: serverBusy,
};

/** Our error for anything a route, Fastify or one of its plugins threw; unknown things stay as they are. */
export function fromFastify(thrown: unknown): unknown {
  if (isMillraceError(thrown) || !isFastifyError(thrown)) return thrown;
  if (hasZodFastifySchemaValidationErrors(thrown)) return fromValidation(thrown);
  const known = byFastifyCode[thrown.code];
  if (known !== undefined) return known(thrown);
  const { statusCode } = thrown;
  if (statusCode === 413) return bodyTooLarge();
  if (statusCode === 404) return routeNotFound();
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? malformedRequest(thrown)
    : thrown;
}

function isFastifyError(value: unknown): value is FastifyError {
  return value instanceof Error && ("code" in value || "statusCode" in value || "validation" in value);
}

/** One issue of a zod schema as the type provider hands it over. */
type ValidationIssue = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
};

function fromValidation(error: {
  readonly validation: readonly ValidationIssue[];
  readonly validationContext?: string | undefined;
}): MillraceError {
  const context = error.validationContext ?? "body";
  if (context === "params") return pathNotFound();
  const prefix = context === "querystring" ? "/query" : context === "headers" ? "/headers" : "";
  const items = error.validation.flatMap((issue) => itemsOf(issue, prefix)).slice(0, maxItems);
  const place = context === "querystring" ? "query" : context;
  return invalidRequest(`Some values of the ${place} can't be used. \`errors\` names each of them.`, items);
}

function itemsOf(issue: ValidationIssue, prefix: string): ErrorItem[] {
  const path = issue.instancePath === "/" ? "" : issue.instancePath;
  const unknownFields = issue.keyword === "unrecognized_keys" ? issue.params["keys"] : undefined;
  if (!Array.isArray(unknownFields)) {
    return [{ pointer: `${prefix}${path}`, code: issue.keyword, message: issue.message ?? "Invalid value" }];
  }
  return unknownFields.map((field) => ({
    pointer: `${prefix}${path}/${String(field).slice(0, 200)}`,
    code: "unknown_field",
    message: "There is no such field here. Remove it or check its spelling.",
  }));
}
