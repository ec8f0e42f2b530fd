import { once } from "node:events";
import { createServer } from "node:net";

/** The file that every scanner takes for a virus, in two parts, so that none does so with this one. */
export const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].join("");

export type FakeClamd = {
  /** For `CLAMAV_ADDRESS`. */
  readonly address: string;
  /** What it was asked about, in the order of its answers. */
  readonly scanned: readonly Buffer[];
  readonly stop: () => Promise<void>;
};

/** Stands in for clamd: speaks INSTREAM, and finds the test virus and nothing else, or says what is given. */
export async function startFakeClamd(answer?: string): Promise<FakeClamd> {
  const scanned: Buffer[] = [];
  const daemon = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      const content = contentOf(received);
      if (content === undefined) return;
      scanned.push(content);
      const verdict = content.includes(eicar) ? "stream: Eicar-Test-Signature FOUND" : "stream: OK";
      socket.end(`${answer ?? verdict}\0`);
    });
  });
  daemon.listen(0, "127.0.0.1");
  await once(daemon, "listening");
  const address = daemon.address();
  if (address === null || typeof address === "string") throw new Error("It listens on no port.");
  return {
    address: `127.0.0.1:${address.port}`,
    scanned,
    stop: async () => {
      daemon.close();
      await once(daemon, "close");
    },
  };
}

/** What was sent, once the empty piece at the end is there. */
function contentOf(received: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  let at = "zINSTREAM\0".length;
  while (at + 4 <= received.length) {
    const length = received.readUInt32BE(at);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(received.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}
