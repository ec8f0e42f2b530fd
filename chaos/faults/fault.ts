import type { BrokerKind, Ground, Seat } from "../ground/ground.ts";
import type { Role } from "../ground/product.ts";
import type { Sign } from "../health/health-watch.ts";
import type { Random } from "../load/random.ts";

/** Ends a fault: what was broken works again, as far as we can do something about it. */
type Heal = () => Promise<void>;

/** What was broken. */
type Harm = {
  readonly heal: Heal;
  /** What the health of processes must show while it lasts. None: it may pass unnoticed. */
  readonly signs: readonly Sign[];
};

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
  readonly inject: (ground: Ground, random: Random) => Promise<Harm>;
};

/** It was over before anybody could see it. */
export const momentary: Harm = { heal: () => Promise.resolve(), signs: [] };

/** Any process of the role. */
export function pickSeat(ground: Ground, role: Role, random: Random): Seat {
  return random.pick(ground.seats.filter(({ member }) => member.role === role));
}

/** The same sign at each of these processes. */
export function signsAt(seats: readonly Seat[], shows: Sign["shows"]): Sign[] {
  return seats.map(({ member }) => ({ member, shows }));
}

/** Those who are told of work by this broker. */
export function seatsOf({ seats }: Ground, broker: BrokerKind): Seat[] {
  return seats.filter((seat) => seat.broker === broker);
}
