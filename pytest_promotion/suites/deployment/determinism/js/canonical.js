// The RFC 8785 form of a value read by `strict.js`. JavaScript's own way with numbers and texts is that of the RFC.

import { createHash } from "node:crypto";

export function canonical(value) {
  if (value instanceof Map) {
    // The default order is that of UTF-16 code units, which is what the RFC asks for.
    const keys = [...value.keys()].sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value.get(key))}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return JSON.stringify(value);
}

export function hex(text) {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

export const digest = (value) => hex(canonical(value));
