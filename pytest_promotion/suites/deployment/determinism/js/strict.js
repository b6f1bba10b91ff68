// JSON of which every runtime reads the same. Objects become Maps: a plain object would reorder the key "10" and lose
// "__proto__". What the Python side refuses is refused here too; `JSON.parse` lets most of it through.

export const DEEPEST = 200;

export class Refused extends Error {}

export function parse(text) {
  const reader = new Reader(text);
  reader.space();
  const value = reader.value("$", 0);
  reader.space();
  if (reader.at < text.length) reader.fail("there is more after the value");
  return value;
}

export function decode(bytes) {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new Refused("it starts with a byte order mark");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("it is not UTF-8");
  }
}

const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(why, place = "$") {
    throw new Refused(`${place}: ${why} at character ${this.at}`);
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  value(place, depth) {
    if (depth > DEEPEST) this.fail(`nested deeper than ${DEEPEST} levels`, place);
    const letter = this.text[this.at];
    if (letter === "{") return this.object(place, depth + 1);
    if (letter === "[") return this.array(place, depth + 1);
    if (letter === '"') return this.string(place);
    for (const [word, meaning] of [["true", true], ["false", false], ["null", null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return meaning;
      }
    }
    return this.number(place);
  }

  object(place, depth) {
    if (depth > DEEPEST) this.fail(`nested deeper than ${DEEPEST} levels`, place);
    const found = new Map();
    this.at += 1;
    this.space();
    if (this.take("}")) return found;
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail("expected a key", place);
      const key = this.string(place);
      if (found.has(key)) this.fail(`the key ${JSON.stringify(key)} stands twice`, place);
      this.space();
      if (!this.take(":")) this.fail("expected a colon", place);
      this.space();
      found.set(key, this.value(`${place}.${key}`, depth));
      this.space();
      if (this.take("}")) return found;
      if (!this.take(",")) this.fail("expected a comma", place);
    }
  }

  array(place, depth) {
    if (depth > DEEPEST) this.fail(`nested deeper than ${DEEPEST} levels`, place);
    const found = [];
    this.at += 1;
    this.space();
    if (this.take("]")) return found;
    for (;;) {
      this.space();
      found.push(this.value(`${place}[${found.length}]`, depth));
      this.space();
      if (this.take("]")) return found;
      if (!this.take(",")) this.fail("expected a comma", place);
    }
  }

  take(letter) {
    if (this.text[this.at] !== letter) return false;
    this.at += 1;
    return true;
  }

  string(place) {
    let found = "";
    this.at += 1;
    for (;;) {
      const letter = this.text[this.at];
      if (letter === undefined) this.fail("a text does not end", place);
      if (letter < " ") this.fail("a text has a control character", place);
      this.at += 1;
      if (letter === '"') break;
      if (letter !== "\\") {
        found += letter;
        continue;
      }
      const escape = this.text[this.at];
      this.at += 1;
      if (escape === "u") {
        const digits = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail("a bad escape", place);
        found += String.fromCharCode(Number.parseInt(digits, 16));
        this.at += 4;
      } else if (escape in ESCAPES) {
        found += ESCAPES[escape];
      } else {
        this.fail("a bad escape", place);
      }
    }
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(found)) {
      this.fail("half of a surrogate pair", place);
    }
    return found;
  }

  number(place) {
    NUMBER.lastIndex = this.at;
    const [text] = NUMBER.exec(this.text) ?? this.fail("expected a value", place);
    this.at += text.length;
    const value = Number(text);
    if (!Number.isFinite(value)) this.fail(`${text} is too large to be a number`, place);
    if (/^-?[0-9]+$/.test(text) && !Number.isSafeInteger(value)) this.fail(`${text} is an integer beyond 2**53 - 1`, place);
    return value;
  }
}
