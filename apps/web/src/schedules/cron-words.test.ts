import { describe, expect, it } from "vitest";
import { cronWords } from "./cron-words.ts";

describe("cronWords", () => {
  it.each([
    ["* * * * *", "every minute"],
    ["*/15 * * * *", "every 15 minutes"],
    ["0 * * * *", "every hour"],
    ["20 */6 * * *", "every 6 hours, at minute 20"],
    ["30 2 * * *", "every day at 02:30"],
    ["@daily", "every day at 00:00"],
    ["0 9,17 * * *", "every day at 09:00 and 17:00"],
    ["30 2 * * 1-5", "every weekday at 02:30"],
    ["30 2 * * MON-FRI", "every weekday at 02:30"],
    ["0 8 * * 1,4", "every Monday and Thursday at 08:00"],
    ["0 8 * * 7", "every Sunday at 08:00"],
    ["0 0 1 * *", "on day 1 of each month at 00:00"],
    ["0 0 l * *", "on the last day of each month at 00:00"],
    ["0 6 24 12 *", "every year on 24 December at 06:00"],
    ["*/10 * * * 0,6", "every 10 minutes, every Saturday and Sunday"],
    ["0 30 2 * * *", "every day at 02:30"],
    ["*/20 * * * * *", "every 20 seconds"],
  ])("says %s as %s", (expression, words) => {
    expect(cronWords(expression)).toBe(words);
  });

  it.each([
    "5 4 * * sun#2",
    "0 0 1-7 * 1",
    "0,10,20 1,2,3 * * *",
    "15 30 2 * * *",
    "61 * * * *",
    "*/0 * * * *",
    "daily",
    "",
  ])("leaves %j as it is written", (expression) => {
    expect(cronWords(expression)).toBeUndefined();
  });
});
