import { InvalidArgumentError } from "commander";

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

/** 0 to 9 from an option. */
export function priorityNumber(value: string): number {
  if (!/^\d$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 0 to 9.");
  return Number(value);
}
