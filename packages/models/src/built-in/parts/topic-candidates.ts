import type { PreparedText, Word } from "../reading/prepared-text.ts";

/** A run of words that may name a topic, as it stands in the text. */
export type Mention = {
  /** What makes two mentions the same topic: the stems of its words. */
  readonly key: string;
  readonly words: readonly string[];
  readonly isName: boolean;
  /** A sentence's first word is capitalised whatever it is: its form says little. */
  readonly isAtStart: boolean;
  readonly isHeading: boolean;
  /** Somebody addressed with a title: whom a text mentions is seldom what it is about. */
  readonly isPerson: boolean;
};

const personTitles = new Set(["mr", "mrs", "ms", "miss", "dr", "prof", "mr.", "mrs.", "ms.", "dr.", "prof."]);

const vague = new Set(
  "thing things way ways lot lots time times example examples case cases part parts number numbers kind kinds sort bit day days week weeks month months year years hour hours minute minutes second seconds people person one ones something anything everything nothing someone everyone everything today tomorrow yesterday end side sides place point points fact facts reason reasons question questions problem problems result results use uses need needs step steps level levels type types set sets amount percent per cent half minute lesson lessons deal good bad new old right left first last next other others same different own more most less least many much few several great big small high low long short real full whole top best better key main major entire certain common specific typical simple easy hard nice pretty possible available various additional multiple single double total worth sure mr mrs ms dr note e.g i.e etc monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december euro euros dollar dollars pound pounds million millions billion billions kilometre kilometres kilometer kilometers metre metres third half kb mb gb tb ms id morning evening afternoon night".split(
    " ",
  ),
);

// Longer "words" are keys, hashes and run-together text.
const longestWord = 40;

/** Noun phrases of an English text, from tagged words, up to three words each. */
export function englishMentions(text: PreparedText): Mention[] {
  const mentions: Mention[] = [];
  for (const heading of text.headings) collectNounPhrases(heading, true, mentions);
  for (const sentence of text.sentences) collectNounPhrases(sentence.words, false, mentions);
  return mentions;
}

function collectNounPhrases(words: readonly Word[], isHeading: boolean, mentions: Mention[]): void {
  let run: Array<{ word: Word; at: number }> = [];
  const close = () => {
    pushPhrase(run, isHeading, mentions);
    run = [];
  };
  for (const [at, word] of words.entries()) {
    const joinsHyphen =
      word.value === "-" && !word.isSpaced && run.length > 0 && words[at + 1]?.isSpaced === false;
    if (joinsHyphen || (isNominal(word) && !isInsideCode(words, at))) run.push({ word, at });
    else close();
  }
  close();
}

/** A part of an identifier, a path or an assignment, which the tagger takes apart. */
function isInsideCode(words: readonly Word[], at: number): boolean {
  const before = words[at - 1]?.value ?? "";
  const after = words[at + 1];
  const isGluedBefore = words[at]?.isSpaced === false && /[_=/\\@.<]$/.test(before);
  return isGluedBefore || (after !== undefined && !after.isSpaced && /^[_=/\\@(<]/.test(after.value));
}

function isNominal({ value, pos, isStopWord }: Word): boolean {
  if (!/^[\p{L}][\p{L}\p{N}'’.+#]*$/u.test(value) || value.length < 2 || value.length > longestWord)
    return false;
  if (isStopWord && !/^\p{Lu}{2,}$/u.test(value)) return false;
  return pos === "NOUN" || pos === "PROPN" || pos === "ADJ";
}

function pushPhrase(
  run: ReadonlyArray<{ word: Word; at: number }>,
  isHeading: boolean,
  mentions: Mention[],
): void {
  const isPerson = run.some(({ word }) => personTitles.has(word.value.toLowerCase()));
  let kept = [...run];
  while (kept.length > 0 && !isHead(kept.at(-1)?.word)) kept.pop();
  if (kept.filter(({ word }) => word.value !== "-").length > 3) kept = lastWords(kept, 3);
  while (kept.length > 0 && isWeakStart(kept[0]?.word)) kept.shift();
  const first = kept[0];
  if (first === undefined || kept.every(({ word }) => vague.has(word.value.toLowerCase()))) return;
  mentions.push({
    key: kept
      .filter(({ word }) => word.value !== "-")
      .map(({ word }) => word.stem.replace(/['’]s$/, ""))
      .join(" "),
    words: joinHyphens(kept.map(({ word }) => word)),
    isName: kept.every(({ word }) => word.pos === "PROPN" || word.value === "-"),
    isAtStart: first.at === 0 || isHeading,
    isHeading,
    isPerson,
  });
}

function isHead(word: Word | undefined): boolean {
  return (
    word !== undefined &&
    (word.pos === "NOUN" || word.pos === "PROPN") &&
    !vague.has(word.value.toLowerCase())
  );
}

function isWeakStart(word: Word | undefined): boolean {
  return word === undefined || word.value === "-" || vague.has(word.value.toLowerCase());
}

function lastWords<Item extends { word: Word }>(run: readonly Item[], count: number): Item[] {
  const kept: Item[] = [];
  let words = 0;
  for (const item of run.toReversed()) {
    if (item.word.value !== "-") words += 1;
    if (words > count) break;
    kept.unshift(item);
  }
  return kept[0]?.word.value === "-" ? kept.slice(1) : kept;
}

function joinHyphens(words: readonly Word[]): string[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const { value } of words) {
    if (value === "-") {
      joined.push(`${joined.pop() ?? ""}-`);
      isOpen = true;
    } else {
      joined.push(isOpen ? `${joined.pop() ?? ""}${value}` : value);
      isOpen = false;
    }
  }
  return joined;
}

/**
 * Words and pairs of words of a text in any language. Where a language writes nouns or names with a
 * capital inside sentences, only those count.
 */
export function neutralMentions(text: PreparedText): Mention[] {
  const mentions: Mention[] = [];
  const isGerman = text.language === "de";
  for (const words of text.headings) collectRuns(words, true, false, mentions);
  for (const { words } of text.sentences) collectRuns(words, false, isGerman, mentions);
  return mentions;
}

function collectRuns(
  words: readonly Word[],
  isHeading: boolean,
  isCapitalised: boolean,
  mentions: Mention[],
): void {
  const isWord = (word: Word | undefined): word is Word =>
    word !== undefined &&
    !word.isStopWord &&
    word.value.length <= longestWord &&
    /^\p{L}[\p{L}\p{N}\p{M}'’-]*$/u.test(word.value) &&
    (!isCapitalised || /^\p{Lu}/u.test(word.value));
  for (const [at, word] of words.entries()) {
    if (!isWord(word)) continue;
    const facts = {
      isName: at > 0 && /^\p{Lu}/u.test(word.value),
      isAtStart: at === 0 || isHeading,
      isHeading,
      isPerson: false,
    };
    mentions.push({ key: word.stem, words: [word.value], ...facts });
    const next = words[at + 1];
    if (isWord(next)) {
      const glue = next.isSpaced ? [word.value, next.value] : [word.value + next.value];
      mentions.push({ key: `${word.stem} ${next.stem}`, words: glue, ...facts });
    }
  }
}
