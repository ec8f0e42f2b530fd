/** Frames of AMQP 0-9-1, for a network that puts words into the mouths of both ends. */

function methodFrame(channel: number, classId: number, methodId: number, fields: Buffer): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(fields.length + 4, 3);
  head.writeUInt16BE(classId, 7);
  head.writeUInt16BE(methodId, 9);
  return Buffer.concat([head, fields, Buffer.from([0xce])]);
}

function shortString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

/** From the server: it reads nothing more for now. */
export function blockedFrame(reason: string): Buffer {
  return methodFrame(0, 10, 60, shortString(reason));
}

export function unblockedFrame(): Buffer {
  return methodFrame(0, 10, 61, Buffer.alloc(0));
}

/** From the client: done with a delivery that there never was, for which the server closes the channel. */
export function wrongAckFrame(channel: number): Buffer {
  return methodFrame(channel, 60, 80, Buffer.from([0, 0, 0, 0, 0, 0, 0x27, 0x0f, 0]));
}

/** From the client: ends a consumer, of which the server is to say nothing. */
export function silentCancelFrame(channel: number, tag: string): Buffer {
  return methodFrame(channel, 60, 30, Buffer.concat([shortString(tag), Buffer.from([1])]));
}
