// The head of a deployment's page: status, progress, stages, and what went wrong.
import { h, icon } from "./dom.js";
import { ago, exact, moment, relative, shortId, took } from "./format.js";
import { hasFailed, resultOf, statusBadge } from "./badges.js";
import { UNFINISHED, holdsTarget } from "./reduce.js";
import { gettext, ngettext, shown } from "./say.js";

// `machines`: pages of targets by id, of those that the reader may open.
export function facts(badges, deployment, machines = {}) {
  const [time, age] = [took(deployment), relative(deployment.createdAt)];
  return [
    deployment.kind === "deploy" ? null : fact(KIND_ICONS[deployment.kind] ?? "deployed_code", badges.kind[deployment.kind] ?? deployment.kind),
    deployment.version ? fact("sell", deployment.version) : null,
    fact("person", gettext("by {who}", { who: deployment.requestedBy })),
    fact("dns", place(deployment.target, machines)),
    h("span", { class: "ax-fact" }, icon("schedule"), h("time", { datetime: new Date(deployment.createdAt).toISOString() }, exact(deployment.createdAt)), age ? ` (${age})` : ""),
    time ? fact("timer", time) : null,
    holdsTarget(deployment) && deployment.deadlineAt ? fact("hourglass_bottom", gettext("times out at {moment}", { moment: moment(deployment.deadlineAt) })) : null,
    fact("account_tree", gettext("graph v{version}", { version: deployment.graphVersion })),
    deployment.description ? fact("chat", deployment.description) : null,
    deployment.cause ? fact("auto_mode", shown(deployment.cause)) : null,
    deployment.attempts ? fact("replay", ngettext("{count} retry", "{count} retries", deployment.attempts)) : null,
  ];
}

const KIND_ICONS = { rollback: "settings_backup_restore", stop: "stop_circle", scale: "content_copy", restart: "restart_alt", repair: "build" };

const place = ({ id, name, kind }, machines) => (machines[id] ? h("a", { class: "ax-link", href: machines[id] }, name || kind) : name || kind);

const fact = (symbol, text) => h("span", { class: "ax-fact" }, icon(symbol), text);

export function stepper(badges, deployment) {
  const steps = badges.stages.filter((stage) => stage.key !== "pushing" || deployment.stage === "pushing" || deployment.target.kind === "cluster");
  // The step that failed is the one that is marked, whatever was reached while the former version was put back.
  const at = (hasFailed(badges, deployment) && deployment.startedAt && badges.failedStage[deployment.reason]) || deployment.stage;
  const succeeded = deployment.status === "success" || (resultOf(deployment).startsWith("roll") && deployment.stage === "completed");
  const done = succeeded ? steps.length : steps.findIndex((stage) => stage.key === at);
  return steps.map((stage, index) => {
    const state = index < done ? "done" : index === done ? stepNow(badges, deployment) : "ahead";
    return h("li", { class: "ax-step", dataset: { state }, "aria-current": state === "now" ? "step" : null },
      h("span", { class: "ax-step-mark" }, state === "done" ? icon("check") : state === "broken" ? icon("close") : state === "ended" ? icon("block") : String(index + 1)),
      h("span", { class: "ax-step-label" }, state === "broken" && deployment.reason === "image" ? gettext("Image") : stage.label));
  });
}

// A cancel, and what a person took back, is no failure of a step.
function stepNow(badges, deployment) {
  if (deployment.status === "in_progress") return deployment.cancelRequestedAt ? "ended" : "now";
  if (deployment.status === "pending") return "ahead";
  return hasFailed(badges, deployment) || deployment.reason in badges.failedStage ? "broken" : "ended";
}

const [SOMEBODY, DEADLINE] = [gettext("Somebody"), gettext("a deadline")];

// Asked for, but nobody has proven yet that the work stopped.
function cancelling(badges, deployment) {
  return h("section", { class: "ax-trouble", dataset: { tone: badges.result.cancelling.tone }, role: "status" },
    h("h2", {}, icon("hourglass_top"), gettext("Cancellation requested, not confirmed yet")),
    h("p", {}, gettext("{who} requested it {ago}. The agent stops the work and restores the previous version; the cancellation is complete when the agent confirms both.", { who: deployment.cancelRequestedBy || SOMEBODY, ago: ago(deployment.cancelRequestedAt) })),
    h("p", { class: "ax-advice" }, h("strong", {}, gettext("If this takes long:")), " ", gettext("the agent may be unreachable. Check that its server is up. The agent finishes as soon as it reconnects; otherwise the wait ends at {moment}.", { moment: deployment.deadlineAt ? moment(deployment.deadlineAt) : DEADLINE })));
}

// What happened, which service, its last lines, what to do.
export function trouble(badges, deployment, again = "", variables = "") {
  if (deployment.status === "in_progress" && deployment.cancelRequestedAt) return cancelling(badges, deployment);
  if (!deployment.reason && deployment.status === "rolling_back" && deployment.rolledBackBy) return undone(badges, deployment);
  if (!deployment.reason) return deployment.message ? remark(deployment) : null;
  const advice = badges.advice[deployment.reason];
  const quiet = deployment.reason === "cancelled" || deployment.reason === "superseded";
  const unproven = deployment.reason === "cancelled" && deployment.cancelRequestedAt && !deployment.cancelConfirmedAt;
  const restored = resultOf(deployment) === "restored";
  return h("section", { class: "ax-trouble", dataset: { tone: unproven ? "back" : quiet ? "idle" : "bad" }, role: quiet ? null : "alert" },
    h("h2", {}, icon(quiet ? "info" : "error"), unproven ? gettext("{what}, not confirmed by the agent", { what: headline(deployment) }) : headline(deployment)),
    deployment.message ? h("p", {}, shown(deployment.message)) : null,
    deployment.status === "rolling_back" ? h("p", {}, gettext("Restoring the previous version…")) : null,
    restored ? h("p", {}, gettext("The previous version is running again, confirmed by the agent.")) : null,
    deployment.logTail.length ? h("pre", { class: "ax-tail", tabindex: "0" }, deployment.logTail.join("\n")) : null,
    advice ? h("p", { class: "ax-advice" }, h("strong", {}, gettext("What to do:")), " ", advice) : null,
    again ? h("p", { class: "ax-row ax-row-wraps" }, h("a", { class: "ax-button", dataset: { kind: "main" }, href: again }, icon("replay"), deployment.reason === "invalid" ? gettext("Review the new plan") : gettext("Deploy again…")),
      variables && MAY_BE_VARIABLES.has(deployment.reason) ? h("a", { class: "ax-button", href: variables }, icon("key"), gettext("Edit variables")) : null) : null);
}

// What another value of a variable may mend.
const MAY_BE_VARIABLES = new Set(["unhealthy", "build", "apply", "invalid", "peer"]);

// A success that a rollback by hand takes back.
function undone(badges, deployment) {
  return h("section", { class: "ax-trouble", dataset: { tone: badges.result.rolling_back.tone }, role: "status" },
    h("h2", {}, icon("settings_backup_restore"), gettext("Being rolled back by {deployment}", { deployment: shortId(deployment.rolledBackBy) })),
    h("p", {}, gettext("The rollback restores an earlier version; this deployment ends when the rollback does.")));
}

// Something worth saying where nothing went wrong.
const remark = (deployment) => h("section", { class: "ax-trouble", dataset: { tone: "idle" }, role: "status" }, h("p", {}, shown(deployment.message)));

const HEADLINES = {
  unhealthy: gettext("Did not become healthy"), build: gettext("Could not be built"), image: gettext("Image not available"),
  apply: gettext("Could not be started"), cancelled: gettext("Cancelled"), expired: gettext("Timed out"),
  agent_lost: gettext("Lost contact with the server's agent"), superseded: gettext("Superseded"), invalid: gettext("Cannot be deployed yet"),
  peer: gettext("Another service failed"), refused: gettext("Refused by the agent"), internal: gettext("Internal error"),
};

// A language has its own order, and forms of the verb, so what a service did is a sentence of its own.
const OF_SERVICE = {
  unhealthy: (service) => gettext("{service} did not become healthy", { service }), build: (service) => gettext("{service} could not be built", { service }),
  image: (service) => gettext("{service}: image not available", { service }), apply: (service) => gettext("{service} could not be started", { service }),
};

function headline({ reason, failedService }) {
  const words = HEADLINES[reason] ?? reason;
  if (!failedService) return words;
  return OF_SERVICE[reason]?.(failedService) ?? `${failedService}: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

export function announce(badges, deployment) {
  const label = statusBadge(badges, deployment).label;
  return UNFINISHED.has(deployment.status) ? gettext("{label}, {progress} percent", { label, progress: deployment.progress }) : label;
}
