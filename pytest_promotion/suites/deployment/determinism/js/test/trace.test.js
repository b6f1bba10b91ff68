import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, Refused } from "../strict.js";
import { rootHash } from "../trace.js";

const EMPTY = { version: "1.1.0", seed: 42, timestamp: "2025-01-01T00:00:00Z", tenant_id: "default", steps: [] };
const STEP = {
  index: 0, skill: "add", inputs: { x: 1 }, output: 2, error: null, outcome: "success", rng_state: null,
  idempotency_key: null, replay: "execute",
};
const TRACE = {
  version: 2, run: "r", seed: 1, clock: "2026-01-01T00:00:00Z", subject: "s", status: "completed", plan: [], steps: [STEP],
  metadata: {}, root_hash: null,
};
const root = (trace) => rootHash(parse(JSON.stringify(trace)));

test("a trace of version 1.1.0 has the hash that was published for it", () => {
  assert.equal(root(EMPTY), "cf938f32827f06283ab80f355aee229da49abb2545beded7fd9fd746305cd7df");
});

test("whatever matters changes the hash, and only that", () => {
  const before = root(TRACE);
  for (const change of [
    { plan: [1] }, { metadata: { a: 1 } }, { seed: 2 }, { run: "q" }, { steps: [] }, { steps: [{ ...STEP, output: 3 }] },
    { steps: [{ ...STEP, inputs: { x: "1" } }] }, { steps: [{ ...STEP, rng_state: "s" }] },
  ]) {
    assert.notEqual(root({ ...TRACE, ...change }), before, JSON.stringify(change));
  }
  assert.equal(root({ ...TRACE, audit: { took: 3 }, root_hash: "ff", steps: [{ ...STEP, audit: { ms: 2 } }] }), before);
});

test("what is no trace is refused", () => {
  for (const trace of [[], {}, { version: 3 }, { ...TRACE, more: 1 }, { ...TRACE, steps: [{}] }, { ...EMPTY, steps: [{}] }]) {
    assert.throws(() => root(trace), Refused);
  }
});
