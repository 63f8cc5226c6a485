// What happened, newest first, in sentences.
import { h, icon } from "./dom.js";
import { clock, exact } from "./format.js";
import { serviceBadge, statusBadge } from "./badges.js";

const MAX_ENTRIES = 300;

const WORDS = { rollback: "rollback", stop: "stop", scale: "change in the number of copies", restart: "restart of a service", repair: "repair" };

const sentences = {
  "deployment.requested": (p) => ["rocket_launch", "busy", `${p.requestedBy} requested this ${WORDS[p.kind] ?? "deployment"}${p.onBehalfOf ? ` on behalf of ${p.onBehalfOf}` : ""}`, p.cause || p.description || `graph version ${p.graphVersion}`],
  "deployment.status_changed": (p, badges) => {
    // Of what had no reason to fail, somebody took it back; older events do not say who.
    const badge = statusBadge(badges, { status: p.to, reason: p.reason, rolledBackBy: p.rolledBackBy || !p.reason });
    return [badge.icon, badge.tone, badge.label, p.message];
  },
  "deployment.stage_reached": (p, badges) => {
    const stage = badges.stages.find((each) => each.key === p.stage);
    return ["trending_flat", "busy", `${stage ? stage.label : p.stage} · ${p.percent} %`, p.message];
  },
  "deployment.service_changed": (p, badges) => {
    const badge = serviceBadge(badges, p);
    return [badge.icon, badge.tone, `${p.serviceName}: ${badge.label.toLowerCase()}`, p.errorMessage];
  },
  "deployment.cancel_requested": (p) => ["cancel", "back", `${p.requestedBy} requested a cancellation`, ""],
  "deployment.revert_confirmed": (p) => ["undo", "back", "The agent stopped the work", p.message],
  "deployment.waiting_changed": (p) => ["hourglass_top", "idle", p.message ? "Waiting for the server's agent" : "The server's agent is back", p.message],
  "deployment.job_retried": (p) => ["replay", "back", `Attempt ${p.attempt} to start failed`, `${p.message} Next try in ${p.seconds} s.`],
  "deployment.command_sent": () => ["send", "busy", "Sent to the agent", ""],
};

export class Timeline {
  constructor(list, badges) {
    Object.assign(this, { list, badges });
  }

  add(event) {
    const sentence = sentences[event.type];
    if (!sentence) return;
    const [symbol, tone, title, more] = sentence(event.payload, this.badges);
    this.list.prepend(h("li", { class: "ax-moment", dataset: { tone, sequence: event.sequence } },
      h("span", { class: "ax-moment-mark" }, icon(symbol)),
      h("div", {}, h("p", { class: "ax-moment-title" }, title), more ? h("p", { class: "ax-moment-more" }, more) : null),
      h("time", { datetime: new Date(event.createdAt).toISOString(), title: exact(event.createdAt) }, clock(event.createdAt))));
    while (this.list.childElementCount > MAX_ENTRIES) this.list.lastElementChild.remove();
  }

  clear() {
    this.list.replaceChildren();
  }
}
