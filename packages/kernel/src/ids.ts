import { v7 } from "uuid";

const bytesPerId = 16;
/** The system takes several times as long to be asked for the bytes of one id as all the rest does. */
const random = new Uint8Array(256 * bytesPerId);
let used = random.length;
let lastMs = 0;
let sequence = 0;

/** A new time-ordered id (UUIDv7): what this process makes later sorts later, also within a millisecond. */
export function newId(): string {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  const own = random.subarray(used, (used += bytesPerId));
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = startOf(own);
  } else {
    // The clock stands, or went back: counted on, and into the next millisecond at the end of 32 bits.
    sequence = (sequence + 1) | 0;
    if (sequence === 0) lastMs += 1;
  }
  return v7({ random: own, msecs: lastMs, seq: sequence });
}

/** 31 random bits, of bytes that the id does not take otherwise: room enough to count on. */
function startOf(own: Uint8Array): number {
  return new DataView(own.buffer, own.byteOffset).getUint32(6) & 0x7f_ff_ff_ff;
}
