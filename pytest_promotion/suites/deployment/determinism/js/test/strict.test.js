import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical } from "../canonical.js";
import { decode, parse, Refused } from "../strict.js";

const same = (text, expected) => assert.equal(canonical(parse(text)), expected);

test("keys are sorted by UTF-16 code units, and none is lost", () => {
  same('{"10":1,"9":2,"a":3,"__proto__":4}', '{"10":1,"9":2,"__proto__":4,"a":3}');
  same('{"\u{1f600}":1,"\ufb33":2,"\u20ac":3}', '{"\u20ac":3,"\u{1f600}":1,"\ufb33":2}');
});

test("numbers are written as the RFC says", () => {
  same("[1.0,-0,1e21,1e20,1e-7,5e-324]", "[1,0,1e+21,100000000000000000000,1e-7,5e-324]");
});

test("what two runtimes read differently is refused", () => {
  for (const text of [
    "", " ", "{", "[1,]", "NaN", "Infinity", "-Infinity", "1e999", "9007199254740992", "-9007199254740993", '{"a":1,"a":2}',
    '"\\ud800"', '"\\udc00\\ud800"', "01", "+1", ".5", "1.", "'a'", '"\u0001"', "[1] 2", "tru", '{"a" 1}', "\ufeff1",
    "[".repeat(201) + "]".repeat(201),
  ]) {
    assert.throws(() => parse(text), Refused, text);
  }
  assert.throws(() => decode(Buffer.from([0xff])), Refused);
  assert.throws(() => decode(Buffer.from([0xef, 0xbb, 0xbf, 0x31])), Refused);
});

test("as deep as is allowed is read", () => same("[".repeat(200) + "]".repeat(200), "[".repeat(200) + "]".repeat(200)));
