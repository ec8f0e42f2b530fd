import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { describe, expect, it } from "vitest";
import { arrayText, jsonb } from "../../src/index.ts";
import type { Database } from "../../src/index.ts";

type Row = { readonly name: string; readonly value: RawBuilder<unknown>; readonly seen: unknown };

const moment = new Date("2026-01-02T01:04:05.678Z");
const id = "00000000-0000-7000-8000-000000000001";
const awkward = ["a,b", '"', null, "{}", "\\", ""];
const awkwardText = [
  ...awkward,
  "NULL",
  "null",
  "nullable",
  " a ",
  "a\n",
  "a-b_1",
  "a-b_1",
  '{"a":"\\"b"}',
  "é",
];

/** How values look that come from the database. */
const read: readonly Row[] = [
  { name: "int8", value: sql`9007199254740991::int8`, seen: 9_007_199_254_740_991 },
  { name: "int8[]", value: sql`'{1,NULL,9007199254740991}'::int8[]`, seen: [1, null, 9_007_199_254_740_991] },
  { name: "count(*)", value: sql`(SELECT count(*) FROM generate_series(1, 3))`, seen: 3 },
  { name: "numeric", value: sql`1.50::numeric`, seen: "1.50" },
  { name: "numeric[]", value: sql`'{1.50}'::numeric[]`, seen: ["1.50"] },
  { name: "sum of int8", value: sql`(SELECT sum(x::int8) FROM generate_series(1, 3) x)`, seen: "6" },
  { name: "float8", value: sql`0.1::float8`, seen: 0.1 },
  { name: "boolean", value: sql`true`, seen: true },
  { name: "uuid[]", value: sql`ARRAY[${id}::uuid]`, seen: [id] },
  { name: "text[]", value: sql`ARRAY['a,b', '"', NULL, '{}', '\\', '']`, seen: awkward },
  {
    name: "int[][]",
    value: sql`'{{1,2},{3,4}}'::int[]`,
    seen: [
      [1, 2],
      [3, 4],
    ],
  },
  { name: "timestamptz", value: sql`'2026-01-02 03:04:05.678+02'::timestamptz`, seen: moment },
  { name: "timestamptz[]", value: sql`ARRAY['2026-01-02 03:04:05.678+02'::timestamptz]`, seen: [moment] },
  { name: "date", value: sql`'2026-01-02'::date`, seen: "2026-01-02" },
  { name: "date[]", value: sql`'{2026-01-02,NULL}'::date[]`, seen: ["2026-01-02", null] },
  { name: "interval", value: sql`'1 day 2 hours'::interval`, seen: "1 day 02:00:00" },
  { name: "json", value: sql`'{"a":[1,null]}'::json`, seen: { a: [1, null] } },
  { name: "jsonb null", value: sql`'null'::jsonb`, seen: null },
  { name: "jsonb text", value: sql`'"x"'::jsonb`, seen: "x" },
  { name: "jsonb[]", value: sql`ARRAY['{"a":1}'::jsonb]`, seen: [{ a: 1 }] },
  { name: "NULL", value: sql`NULL::text`, seen: null },
];

/** How values arrive that were given as parameters. */
const written: readonly Row[] = [
  { name: "whole number", value: sql`${12}::int8`, seen: 12 },
  { name: "bigint", value: sql`${12n}::int8`, seen: 12 },
  { name: "fraction", value: sql`${0.5}::float8`, seen: 0.5 },
  { name: "number as text", value: sql`${12}::text`, seen: "12" },
  { name: "boolean", value: sql`${true}::boolean`, seen: true },
  { name: "null", value: sql`${null}::text`, seen: null },
  { name: "Date", value: sql`${moment}::timestamptz`, seen: moment },
  { name: "numbers", value: sql`${[1, 2]}::int[]`, seen: [1, 2] },
  { name: "texts", value: sql`${awkward}::text[]`, seen: awkward },
  { name: "no texts", value: sql`${[]}::text[]`, seen: [] },
  { name: "ids", value: sql`${[id]}::uuid[]`, seen: [id] },
  { name: "numbers as text", value: sql`${arrayText([1, 1, null, -2])}::int[]`, seen: [1, 1, null, -2] },
  { name: "fractions as text", value: sql`${arrayText([1e21, 0.5])}::float8[]`, seen: [1e21, 0.5] },
  { name: "texts as text", value: sql`${arrayText(awkwardText)}::text[]`, seen: awkwardText },
  { name: "no texts as text", value: sql`${arrayText([])}::text[]`, seen: [] },
  { name: "ids as text", value: sql`${arrayText([id, id, null])}::uuid[]`, seen: [id, id, null] },
  { name: "json object", value: jsonb({ a: [1], left_out: undefined }), seen: { a: [1] } },
  { name: "json array", value: jsonb([1, "a", null]), seen: [1, "a", null] },
  { name: "json of nothing", value: jsonb(undefined), seen: null },
  { name: "json with NUL", value: jsonb({ "k\0": "a\0\0b" }), seen: { "k\u{fffd}": "a\u{fffd}\u{fffd}b" } },
  { name: "json with \\u0000 spelt out", value: jsonb("a\\u0000b"), seen: "a\\u0000b" },
  { name: "json with a backslash and NUL", value: jsonb("\\\0"), seen: "\\\u{fffd}" },
  { name: "json cut inside an emoji", value: jsonb("a\ud83d"), seen: "a\u{fffd}" },
  { name: "json begun inside an emoji", value: jsonb("\ude00b"), seen: "\u{fffd}b" },
  { name: "json with an emoji", value: jsonb("😀"), seen: "😀" },
];

/** Every kind of database gives and takes values in the same form. */
export function valueSuite(open: () => Database): void {
  describe("values", () => {
    it.each(read)("reads $name", async ({ value, seen }) => {
      const { rows } = await sql<{ value: unknown }>`SELECT ${value} AS value`.execute(open().queryable);

      expect(rows).toEqual([{ value: seen }]);
    });

    it.each(written)("takes $name", async ({ value, seen }) => {
      const { rows } = await sql<{ value: unknown }>`SELECT ${value} AS value`.execute(open().queryable);

      expect(rows).toEqual([{ value: seen }]);
    });

    it("takes and gives bytes", async () => {
      const bytes = new Uint8Array([0, 1, 255]);

      const { rows } = await sql<{ bytes: Uint8Array }>`SELECT ${bytes}::bytea AS bytes`.execute(
        open().queryable,
      );

      expect([...rows[0]!.bytes]).toEqual([0, 1, 255]);
    });
  });
}
