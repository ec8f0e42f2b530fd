const words =
  "the river council decided after a long debate that every mill along the water should report how much grain it " +
  "ground in winter because prices had risen and nobody could explain whether weather trade or waste was the reason " +
  "an engineer from the northern district measured wheels gates and losses for eleven months while farmers kept " +
  "their own careful books and compared them with harvest records from earlier years so results became reliable";
const vocabulary = words.split(" ");

/** English-looking prose in sentences and paragraphs, at least `characters` long and the same for the same seed. */
export function prose(characters: number, seed: number): string {
  const next = createRandom(seed);
  const pick = (count: number): number => Math.floor(next() * count);
  const paragraphs: string[] = [];
  for (let length = 0; length < characters;) {
    const sentences = Array.from({ length: 3 + pick(4) }, () => sentence(6 + pick(14), pick));
    const paragraph = sentences.join(" ");
    paragraphs.push(paragraph);
    length += paragraph.length + 2;
  }
  return paragraphs.join("\n\n").slice(0, characters);
}

function sentence(length: number, pick: (count: number) => number): string {
  const chosen = Array.from({ length }, () => vocabulary[pick(vocabulary.length)] ?? "the");
  const text = chosen.join(" ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Mulberry32: small, and good enough to vary words. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
