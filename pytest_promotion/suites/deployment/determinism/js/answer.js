// Answers questions on standard input, one JSON object a line: {"kind": "canonical" or "root", "base64": the bytes}.
// Each answer is a line too: {"sha256": …} or {"root": …}, or {"refused": why}.

import { createInterface } from "node:readline";
import { canonical, hex } from "./canonical.js";
import { decode, parse, Refused } from "./strict.js";
import { rootHash } from "./trace.js";

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}

function answer({ kind, base64 }) {
  try {
    const value = parse(decode(Buffer.from(base64, "base64")));
    return kind === "root" ? { root: rootHash(value) } : { sha256: hex(canonical(value)) };
  } catch (problem) {
    if (problem instanceof Refused) return { refused: problem.message };
    throw problem;
  }
}
