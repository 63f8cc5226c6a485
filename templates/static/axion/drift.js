// How what is there differs from what was deployed: a line for each difference, and what may be done about it.
import { h, icon } from "./dom.js";
import { moment, plural } from "./format.js";

const MAX_SHOWN = 12;

// Of a stack that is known to differ, or that nobody can compare; null when there is nothing to say.
export function driftOf({ stack, target, address, canDeploy, csrf }) {
  const drift = stack?.drift;
  if (!drift) return null;
  const open = drift.differences.filter((each) => !each.leftBy);
  const left = drift.differences.filter((each) => each.leftBy);
  const notes = [drift.repairsStopped, drift.soakMessage, soaking(drift), drift.differences.length || stack.state !== "unknown" ? drift.whyNot : ""];
  const said = notes.filter(Boolean).map((text) => h("p", { class: "ax-hint ax-drift-note" }, text));
  if (!drift.differences.length && !said.length) return null;
  const line = (each) => difference({ each, target, address, canDeploy, csrf });
  return h("div", { class: "ax-drift" },
    open.length ? h("div", { class: "ax-drift-head" }, icon("difference"), h("strong", {}, headline(open.length, stack)),
      canDeploy && open.some((each) => each.repairable)
        ? h("a", { class: "ax-button", href: `${address.repair}?target=${target.kind}:${target.id}` }, icon("build"), "Repair") : null) : null,
    open.length ? h("ul", { class: "ax-drift-list" }, open.slice(0, MAX_SHOWN).map(line),
      open.length > MAX_SHOWN ? h("li", { class: "ax-hint" }, `and ${open.length - MAX_SHOWN} more`) : null) : null,
    left.length ? h("details", { class: "ax-drift-left" }, h("summary", {}, `${plural(left.length, "difference")} left as ${left.length === 1 ? "it is" : "they are"}`),
      h("ul", { class: "ax-drift-list" }, left.slice(0, MAX_SHOWN).map(line))) : null,
    ...said);
}

const soaking = (drift) => (drift.soakUntil > Date.now() ? `Watched until ${moment(drift.soakUntil)}: if it degrades by itself, it is rolled back.` : "");

function headline(count, stack) {
  const last = stack.state === "unknown" ? " when it was seen last" : "";
  return `${plural(count, "difference")} from what was deployed${last}`;
}

function difference({ each, target, address, canDeploy, csrf }) {
  const who = each.leftBy ? `, left by ${each.leftBy}` : "";
  return h("li", { class: "ax-drift-line" },
    h("div", {}, h("strong", {}, each.serviceName), ` ${each.name}: `, h("span", { class: "ax-drift-there" }, each.there),
      h("span", { class: "ax-hint" }, ` instead of ${each.meant}, since ${moment(each.since)}${who}`)),
    canDeploy ? leaveForm({ each, target, address, csrf }) : null);
}

function leaveForm({ each, target, address, csrf }) {
  const fields = { csrfmiddlewaretoken: csrf, target: `${target.kind}:${target.id}`, service: each.serviceName, aspect: each.aspect, leave: each.leftBy ? "" : "1" };
  return h("form", { method: "post", action: address.leave },
    Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value })),
    h("button", { class: "ax-button", "aria-label": `${each.leftBy ? "No longer leave" : "Leave"} ${each.serviceName} ${each.name} as it is` }, each.leftBy ? "No longer leave it" : "Leave it"));
}

// By node: how many differences are not left as they are, and in words.
export function differencesByNode(stack) {
  const found = new Map();
  for (const each of stack?.drift?.differences ?? []) {
    if (each.leftBy || !each.nodeId) continue;
    found.set(each.nodeId, [...(found.get(each.nodeId) ?? []), `${each.name}: ${each.there} instead of ${each.meant}, since ${moment(each.since)}`]);
  }
  return found;
}
