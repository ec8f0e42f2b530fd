import { expect, it } from "vitest";
import { withReadableCounts } from "./readable-counts.ts";

const read = (text: string): string => Buffer.from(withReadableCounts(Buffer.from(text))).toString();

it.each([
  [
    '{"usage":{"prompt_tokens":"12","completion_tokens": "007"}}',
    '{"usage":{"prompt_tokens":12,"completion_tokens": 7}}',
  ],
  ['{"prompt_tokens":"many","x":"東京"}', '{"prompt_tokens":-1,"x":"東京"}'],
  ['{"prompt_tokens":"-3","total_tokens":""}', '{"prompt_tokens":-1,"total_tokens":-1}'],
  ['{"prompt_tokens":5}', '{"prompt_tokens":5}'],
])("reads counts as numbers, or as none that can be: %s", (given, expected) => {
  expect(read(given)).toBe(expected);
});

it("leaves what a model writes about counts, and what is no count", () => {
  const text = JSON.stringify({ content: 'It says {"prompt_tokens":"many"} there.', max_tokens: "5" });

  expect(read(text)).toBe(text);
});
