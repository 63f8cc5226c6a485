// A deployment in a list of the dashboard or of a project.
import { h } from "./dom.js";
import { ago, moment, shortId, took } from "./format.js";
import { pill, reasonOf, statusBadge } from "./badges.js";
import { UNFINISHED } from "./reduce.js";
import { gettext, shown } from "./say.js";

export function deploymentRow(badges, list, deployment, { project = false } = {}) {
  const badge = statusBadge(badges, deployment);
  const kind = deployment.kind === "deploy" ? "" : ` · ${badges.kind[deployment.kind] ?? deployment.kind}`;
  const name = deployment.version || shortId(deployment.id);
  const title = (project ? `${deployment.projectName} · ${name}` : name) + kind;
  const time = took(deployment);
  return h("li", { class: "ax-item" },
    h("a", { href: `${list}${deployment.id}/change/`, class: "ax-item-link" },
      h("span", { class: "ax-item-main" },
        h("span", { class: "ax-item-title" }, title),
        deployment.description ? h("span", { class: "ax-item-more", title: deployment.description }, deployment.description) : null,
        h("span", { class: "ax-item-more" }, details(badges, deployment, time))),
      pill(badge, shown(deployment.message))),
    UNFINISHED.has(deployment.status) && deployment.status !== "pending" ? bar(deployment.progress, badge.tone) : null);
}

function details(badges, deployment, time) {
  const parts = [deployment.target.name, gettext("by {who}", { who: deployment.requestedBy }), ago(deployment.createdAt)];
  if (time) parts.push(time);
  const reason = reasonOf(badges, deployment);
  if (reason) parts.unshift(reason);
  return parts.join(" · ");
}

export function bar(percent, tone) {
  const fill = h("span", { class: "ax-bar-fill" });
  fill.style.width = `${percent}%`;
  return h("span", { class: "ax-bar", dataset: { tone }, role: "progressbar", "aria-valuenow": percent, "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": gettext("Progress") }, fill);
}

export const nothing = (text, ...more) => h("li", { class: "ax-empty" }, text, ...more);

// An open incident: what is wrong where, and since when.
export function incidentRow(badges, list, incident, { project = false } = {}) {
  const where = project ? gettext("{project} on {server}", { project: incident.projectName, server: incident.serverName }) : incident.serverName;
  const quiet = incident.quietSince ? gettext("no longer seen, over in a moment") : "";
  const taken = incident.acknowledgedBy ? gettext("acknowledged by {who}", { who: incident.acknowledgedBy }) : "";
  return h("li", { class: "ax-item" },
    h("a", { href: `${list}${incident.id}/change/`, class: "ax-item-link" },
      h("span", { class: "ax-item-main" },
        h("span", { class: "ax-item-title" }, `${badges.causes[incident.cause] ?? incident.cause}: ${where}`),
        h("span", { class: "ax-item-more" }, [gettext("since {moment}", { moment: moment(incident.since) }), quiet, taken, shown(incident.message)].filter(Boolean).join(" · "))),
      pill(badges.severity[incident.severity] ?? badges.severity.warning)));
}
