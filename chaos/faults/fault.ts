import type { BrokerKind, Ground, Seat } from "../ground/ground.ts";
import type { Role } from "../ground/product.ts";
import type { Random } from "../load/random.ts";

/** Ends a fault: what was broken works again, as far as we can do something about it. */
export type Heal = () => Promise<void>;

/** One way to break something. */
export type Fault = {
  /** In reports and file names. */
  readonly name: string;
  /** What happens, in words. */
  readonly what: string;
  /** How long it lasts, in milliseconds. 0: it is a moment. */
  readonly holdMs: number;
  /** Makes sense only when somebody uses this broker. Default: always. */
  readonly needs?: BrokerKind;
  readonly inject: (ground: Ground, random: Random) => Promise<Heal>;
};

export const nothingToHeal: Heal = () => Promise.resolve();

/** Any process of the role. */
export function pickSeat(ground: Ground, role: Role, random: Random): Seat {
  return random.pick(ground.seats.filter(({ member }) => member.role === role));
}
