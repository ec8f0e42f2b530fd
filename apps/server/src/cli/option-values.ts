import { InvalidArgumentError } from "commander";
import { parseSeconds } from "./terminal/duration.ts";

/** A whole number above 0 from an option. */
export function positiveInteger(max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < 1 || number > max) {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
    }
    return number;
  };
}

/** The longest time that Node's timers can wait. */
const maxSeconds = 2_147_483;

/** Seconds above 0 from an option, with a fraction if one likes. */
export function positiveSeconds(value: string): number {
  const number = Number(value);
  if (!/^\d+(\.\d+)?$/.test(value) || number <= 0 || number > maxSeconds) {
    throw new InvalidArgumentError(`It must be a number of seconds above 0, at most ${maxSeconds}.`);
  }
  return number;
}

/** A time of at most a year, as seconds: given as `10m`, `2h`, `7d`, or in seconds. */
export function timeSeconds(value: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : parseSeconds(value);
  if (seconds === undefined || seconds <= 0 || seconds > 365 * 86_400) {
    throw new InvalidArgumentError("It must be a time such as 90s, 10m, 2h, 7d, or seconds; a year at most.");
  }
  return seconds;
}

/** 0 to 9 from an option. */
export function priorityNumber(value: string): number {
  if (!/^\d$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 0 to 9.");
  return Number(value);
}

/** A whole number from 0, or `none`, from an option. */
export function limitNumber(value: string): number | "none" {
  if (value === "none") return value;
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 0, or none.");
  return Number(value);
}

/** A whole number from 0 from an option. */
export function countNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 0.");
  return Number(value);
}

/** A moment to come as RFC 3339 text: given as such, or as `10m`, `2h` from now. */
export function moment(value: string): string {
  return readMoment(value, 1);
}

/** The same for one that has been: `2h` is two hours ago. */
export function pastMoment(value: string): string {
  return readMoment(value, -1);
}

function readMoment(value: string, direction: 1 | -1): string {
  const seconds = parseSeconds(value);
  // By itself Date takes nearly everything: 90 would be a year.
  const given = /^\d{4}-\d\d-\d\d/.test(value) ? value : Number.NaN;
  const date = new Date(seconds === undefined ? given : Date.now() + direction * seconds * 1000);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError(
      "It must be a moment such as 2026-12-01T09:00Z, or a time such as 10m, 2h, 7d.",
    );
  }
  return date.toISOString();
}
