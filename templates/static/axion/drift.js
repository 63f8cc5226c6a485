// How what is there differs from what was deployed: a line for each difference, and what may be done about it.
import { h, icon } from "./dom.js";
import { moment } from "./format.js";
import { gettext, ngettext, shown } from "./say.js";

const MAX_SHOWN = 12;

// Of a stack that is known to differ, or that nobody can compare; null when there is nothing to say.
export function driftOf({ stack, target, address, canDeploy, csrf }) {
  const drift = stack?.drift;
  if (!drift) return null;
  const open = drift.differences.filter((each) => !each.leftBy);
  const left = drift.differences.filter((each) => each.leftBy);
  const notes = [drift.repairsStopped, drift.soakMessage, soaking(drift), drift.differences.length || stack.state !== "unknown" ? drift.whyNot : ""];
  const said = notes.filter(Boolean).map((text) => h("p", { class: "ax-hint ax-drift-note" }, shown(text)));
  if (!drift.differences.length && !said.length) return null;
  const line = (each) => difference({ each, target, address, canDeploy, csrf });
  return h("div", { class: "ax-drift" },
    open.length ? h("div", { class: "ax-drift-head" }, icon("difference"), h("strong", {}, headline(open.length, stack)),
      canDeploy && open.some((each) => each.repairable)
        ? h("a", { class: "ax-button", href: `${address.repair}?target=${target.kind}:${target.id}` }, icon("build"), gettext("Repair")) : null) : null,
    open.length ? h("ul", { class: "ax-drift-list" }, open.slice(0, MAX_SHOWN).map(line),
      open.length > MAX_SHOWN ? h("li", { class: "ax-hint" }, gettext("and {count} more", { count: open.length - MAX_SHOWN })) : null) : null,
    left.length ? h("details", { class: "ax-drift-left" }, h("summary", {}, ngettext("{count} difference left as it is", "{count} differences left as they are", left.length)),
      h("ul", { class: "ax-drift-list" }, left.slice(0, MAX_SHOWN).map(line))) : null,
    ...said);
}

const soaking = (drift) => (drift.soakUntil > Date.now() ? gettext("Watched until {moment}: if it degrades by itself, it is rolled back.", { moment: moment(drift.soakUntil) }) : "");

function headline(count, stack) {
  return stack.state === "unknown"
    ? ngettext("{count} difference from what was deployed when it was last seen", "{count} differences from what was deployed when it was last seen", count)
    : ngettext("{count} difference from what was deployed", "{count} differences from what was deployed", count);
}

function difference({ each, target, address, canDeploy, csrf }) {
  const since = { meant: shown(each.meant), moment: moment(each.since), who: each.leftBy };
  return h("li", { class: "ax-drift-line" },
    h("div", {}, h("strong", {}, each.serviceName), ` ${shown(each.name)}: `, h("span", { class: "ax-drift-there" }, shown(each.there)),
      h("span", { class: "ax-hint" }, " ", each.leftBy ? gettext("instead of {meant}, since {moment}, left by {who}", since) : gettext("instead of {meant}, since {moment}", since))),
    canDeploy ? leaveForm({ each, target, address, csrf }) : null);
}

function leaveForm({ each, target, address, csrf }) {
  const what = `${each.serviceName} ${shown(each.name)}`;
  const fields = { csrfmiddlewaretoken: csrf, target: `${target.kind}:${target.id}`, service: each.serviceName, aspect: each.aspect, leave: each.leftBy ? "" : "1" };
  return h("form", { method: "post", action: address.leave },
    Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value })),
    h("button", { class: "ax-button", "aria-label": each.leftBy ? gettext("No longer leave {what} as it is", { what }) : gettext("Leave {what} as it is", { what }) }, each.leftBy ? gettext("No longer leave it") : gettext("Leave it")));
}

// By node: how many differences are not left as they are, and in words.
export function differencesByNode(stack) {
  const found = new Map();
  for (const each of stack?.drift?.differences ?? []) {
    if (each.leftBy || !each.nodeId) continue;
    found.set(each.nodeId, [...(found.get(each.nodeId) ?? []), gettext("{name}: {there} instead of {meant}, since {moment}", { name: shown(each.name), there: shown(each.there), meant: shown(each.meant), moment: moment(each.since) })]);
  }
  return found;
}
