// What happened, newest first, in sentences.
import { h, icon } from "./dom.js";
import { clock, exact, fine } from "./format.js";
import { serviceBadge, statusBadge } from "./badges.js";
import { gettext, locale, shown } from "./say.js";

const MAX_ENTRIES = 300;

const REQUESTED = {
  deploy: (who) => gettext("{who} requested this deployment", { who }),
  rollback: (who) => gettext("{who} requested this rollback", { who }),
  stop: (who) => gettext("{who} requested this stop", { who }),
  scale: (who) => gettext("{who} requested this change in the number of copies", { who }),
  restart: (who) => gettext("{who} requested this restart of a service", { who }),
  repair: (who) => gettext("{who} requested this repair", { who }),
};

const onBehalf = (p) => (p.onBehalfOf ? gettext("{who} on behalf of {other}", { who: p.requestedBy, other: p.onBehalfOf }) : p.requestedBy);

const sentences = {
  "deployment.requested": (p) => ["rocket_launch", "busy", (REQUESTED[p.kind] ?? REQUESTED.deploy)(onBehalf(p)), shown(p.cause) || p.description || gettext("graph version {version}", { version: p.graphVersion })],
  "deployment.status_changed": (p, badges) => {
    // Of what had no reason to fail, somebody took it back; older events do not say who.
    const badge = statusBadge(badges, { status: p.to, reason: p.reason, rolledBackBy: p.rolledBackBy || !p.reason });
    return [badge.icon, badge.tone, badge.label, shown(p.message)];
  },
  "deployment.stage_reached": (p, badges) => {
    const stage = badges.stages.find((each) => each.key === p.stage);
    return ["trending_flat", "busy", `${stage ? stage.label : p.stage} · ${p.percent} %`, shown(p.message)];
  },
  "deployment.service_changed": (p, badges) => {
    const badge = serviceBadge(badges, p);
    return [badge.icon, badge.tone, `${p.serviceName}: ${badge.label.toLowerCase()}`, shown(p.errorMessage)];
  },
  "deployment.cancel_requested": (p) => ["cancel", "back", gettext("{who} requested a cancellation", { who: p.requestedBy }), ""],
  "deployment.revert_confirmed": (p) => ["undo", "back", gettext("The agent stopped the work"), shown(p.message)],
  "deployment.waiting_changed": (p) => ["hourglass_top", "idle", p.message ? gettext("Waiting for the server's agent") : gettext("The server's agent is back"), shown(p.message)],
  "deployment.job_retried": (p) => ["replay", "back", gettext("Attempt {number} to start failed", { number: p.attempt }), [shown(p.message), gettext("Next try in {seconds} s.", { seconds: p.seconds })].join(" ")],
  "deployment.command_sent": () => ["send", "busy", gettext("Sent to the agent"), ""],
};

// To the second; with the day where that is not today.
const when = (ms) => (new Date(ms).toDateString() === new Date().toDateString() ? [clock(ms)] : [clock(ms), h("span", { class: "ax-moment-day" }, new Date(ms).toLocaleDateString(locale, { day: "numeric", month: "short" }))]);

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
      h("time", { datetime: new Date(event.createdAt).toISOString(), title: exact(event.createdAt) }, ...when(event.createdAt))));
    while (this.list.childElementCount > MAX_ENTRIES) this.list.lastElementChild.remove();
  }

  clear() {
    this.list.replaceChildren();
  }
}

const WAITS = {
  accepted: () => gettext("From the request to the agent's first step"),
  images: () => gettext("Images built and pulled"),
  planned: () => gettext("Plan made"),
  created: (service) => gettext("{service} created and started", { service }),
  answered: (service) => gettext("{service} answered, and the next one was started", { service }),
  healthy: (service) => gettext("{service} became healthy", { service }),
  watched: () => gettext("Watched for as long as the project asks"),
  stored: () => gettext("Success reported and stored"),
};

const sum = (path) => path.reduce((total, each) => total + each.ms, 0);

// The chain of waits that made a success take as long as it did, each as long as its share.
export function pathRows(path) {
  const whole = Math.max(1, sum(path));
  return path.map((each) => {
    const bar = h("span", { class: "ax-path-bar" });
    bar.style.width = `${Math.max(1, Math.round((100 * each.ms) / whole))}%`;
    return h("li", { class: "ax-path-part", dataset: { ours: String(each.ours) } },
      h("p", {}, WAITS[each.wait] ? WAITS[each.wait](each.service) : each.wait), h("span", { class: "ax-path-time" }, fine(each.ms)), bar);
  });
}

export function pathSummary(path) {
  const ours = path.filter((each) => each.ours);
  return path.length ? gettext("{whole} in all, {ours} of it Axion Deploy's own", { whole: fine(sum(path)), ours: fine(sum(ours)) }) : "";
}
