// The root hash of a trace, from its data alone. What a file declares is not looked at.

import { canonical, digest, hex } from "./canonical.js";
import { Refused } from "./strict.js";

const DOMAIN = "promotion.trace.v2";
const HASHED = [
  "step_index", "skill_id", "input_hash", "output_hash", "rng_state_before", "outcome", "idempotency_key", "replay_behavior",
];
const TRACE = ["version", "run", "seed", "clock", "subject", "status", "plan", "steps", "metadata", "root_hash"];
const STEP = ["index", "skill", "inputs", "output", "error", "outcome", "rng_state", "idempotency_key", "replay"];

export function rootHash(trace) {
  const version = trace instanceof Map ? trace.get("version") : undefined;
  if (version === 2) return ofVersion2(trace);
  if (version === "1.1.0") return ofVersion1(trace);
  throw new Refused(`version ${version} is not known`);
}

function ofVersion2(trace) {
  need(trace, TRACE, "the trace");
  const steps = trace.get("steps");
  if (!Array.isArray(steps)) throw new Refused("steps is no list");
  let link = digest([DOMAIN, "head", without(trace, ["steps", "root_hash", "audit"])]);
  steps.forEach((step, number) => {
    need(step, STEP, `steps[${number}]`);
    if (step.get("index") !== number) throw new Refused(`steps[${number}] is out of order`);
    link = digest([DOMAIN, "step", link, without(step, ["audit"])]);
  });
  return digest([DOMAIN, "root", link, steps.length]);
}

function need(fields, names, place) {
  if (!(fields instanceof Map)) throw new Refused(`${place} is no object`);
  for (const name of names) if (!fields.has(name)) throw new Refused(`${place} has no ${name}`);
  for (const name of fields.keys()) if (name !== "audit" && !names.includes(name)) throw new Refused(`${place}: ${name}?`);
}

function without(fields, names) {
  return new Map([...fields].filter(([name]) => !names.includes(name)));
}

function ofVersion1(trace) {
  const steps = trace.get("steps");
  if (!Array.isArray(steps)) throw new Refused("steps is no list");
  let link = hex(`${trace.get("seed")}:${trace.get("timestamp")}:${trace.get("tenant_id")}`);
  for (const step of steps) {
    const hashed = new Map(
      HASHED.map((name) => {
        if (!(step instanceof Map) || !step.has(name)) throw new Refused(`a step has no ${name}`);
        return [name, step.get(name)];
      }),
    );
    // That version escaped whatever is not ASCII.
    const text = canonical(hashed).replace(/[\u007f-\uffff]/g, (letter) =>
      letter === "\u007f" ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    link = hex(`${link}:${hex(text)}`);
  }
  return link;
}
