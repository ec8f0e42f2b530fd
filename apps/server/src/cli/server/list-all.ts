import { pageSchema } from "@millrace/contracts";
import type { z } from "zod";
import type { ApiClient, ApiRequest } from "./api-client.ts";

const maxPageSize = 100;

/** The first items of a list, over as many pages as it takes. */
export async function listItems<Item extends z.ZodType>(
  client: ApiClient,
  path: string,
  item: Item,
  options: { readonly limit: number; readonly query?: NonNullable<ApiRequest["query"]> },
): Promise<z.output<Item>[]> {
  const items: z.output<Item>[] = [];
  let cursor: string | undefined;
  while (items.length < options.limit) {
    const limit = Math.min(maxPageSize, options.limit - items.length);
    const page = await client.call(path, pageSchema(item), { query: { ...options.query, limit, cursor } });
    items.push(...page.data);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return items;
}
