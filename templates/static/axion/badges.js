// Labels, tones and symbols come from the server, where they are defined once.
import { h, icon } from "./dom.js";
import { gettext } from "./say.js";

const UNKNOWN = { label: gettext("Unknown"), tone: "idle", icon: "help" };

// The word for people, by the rules of deployments/states.py:result_of.
const RESULTS = { pending: "waiting", success: "succeeded" };

export function resultOf({ status, reason, rolledBackBy, cancelRequestedAt }) {
  if (status === "in_progress") return cancelRequestedAt ? "cancelling" : "deploying";
  if (status === "failed") return reason === "cancelled" || reason === "superseded" ? reason : "failed";
  if (status === "rolling_back") return rolledBackBy ? "rolling_back" : "restoring";
  if (status === "rolled_back") return rolledBackBy ? "rolled_back" : "restored";
  return RESULTS[status];
}

export const statusBadge = (badges, deployment) => badges.result[resultOf(deployment)] ?? UNKNOWN;

export const hasFailed = (badges, deployment) => badges.failures.includes(resultOf(deployment));

// Which service and why, in a few words.
export function reasonOf(badges, deployment) {
  if (!hasFailed(badges, deployment) || !deployment.reason) return "";
  const words = badges.reasons[deployment.reason] ?? deployment.reason;
  return deployment.failedService ? `${deployment.failedService}: ${words}` : words;
}

// A running service looks as healthy as it is.
export const serviceBadge = (badges, service) =>
  (service.seen && badges.seen[service.seen]) ||
  (service.state === "running" && badges.health[service.health]) || badges.service[service.state] || UNKNOWN;

export const pill = (badge, title = "") =>
  h("span", { class: "ax-pill", dataset: { tone: badge.tone }, title: title || null }, icon(badge.icon), badge.label);

const ORDER = ["bad", "back", "busy", "idle", "good"];

export const byTrouble = (badges) => (one, other) =>
  ORDER.indexOf(serviceBadge(badges, one).tone) - ORDER.indexOf(serviceBadge(badges, other).tone);
