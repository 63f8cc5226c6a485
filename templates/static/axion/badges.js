// Labels, tones and symbols come from the server, where they are defined once.
import { h, icon } from "./dom.js";

const UNKNOWN = { label: "Unknown", tone: "idle", icon: "help" };

export const statusBadge = (badges, deployment) =>
  deployment.status === "in_progress" && deployment.cancelRequestedAt
    ? badges.cancelling
    : deployment.status === "failed" && deployment.reason === "cancelled"
      ? badges.cancelled
      : deployment.status === "failed" && deployment.reason === "superseded"
        ? badges.superseded
        : (badges.status[deployment.status] ?? UNKNOWN);

// A running service looks as healthy as it is.
export const serviceBadge = (badges, service) =>
  (service.seen && badges.seen[service.seen]) ||
  (service.state === "running" && badges.health[service.health]) || badges.service[service.state] || UNKNOWN;

export const pill = (badge, title = "") =>
  h("span", { class: "ax-pill", dataset: { tone: badge.tone }, title: title || null }, icon(badge.icon), badge.label);

const ORDER = ["bad", "back", "busy", "idle", "good"];

export const byTrouble = (badges) => (one, other) =>
  ORDER.indexOf(serviceBadge(badges, one).tone) - ORDER.indexOf(serviceBadge(badges, other).tone);
