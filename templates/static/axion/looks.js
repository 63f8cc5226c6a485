// Labels, tones and symbols come from the server, where they are defined once.
import { h, icon } from "./dom.js";

const UNKNOWN = { label: "Unknown", tone: "idle", icon: "help" };

export const statusLook = (looks, deployment) =>
  deployment.status === "in_progress" && deployment.cancelRequestedAt
    ? looks.cancelling
    : deployment.status === "failed" && deployment.reason === "cancelled"
      ? looks.cancelled
      : deployment.status === "failed" && deployment.reason === "superseded"
        ? looks.superseded
        : (looks.status[deployment.status] ?? UNKNOWN);

// A running service looks as healthy as it is.
export const serviceLook = (looks, service) =>
  (service.state === "running" && looks.health[service.health]) || looks.service[service.state] || UNKNOWN;

export const pill = (look, title = "") =>
  h("span", { class: "ax-pill", dataset: { tone: look.tone }, title: title || null }, icon(look.icon), look.label);

const ORDER = ["bad", "back", "busy", "idle", "good"];

export const byTrouble = (looks) => (one, other) =>
  ORDER.indexOf(serviceLook(looks, one).tone) - ORDER.indexOf(serviceLook(looks, other).tone);
