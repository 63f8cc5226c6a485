// The head of a deployment's page: status, progress, stages, and what went wrong.
import { h, icon } from "./dom.js";
import { ago, exact, moment, plural, relative, shortId, took } from "./format.js";
import { hasFailed, resultOf, statusBadge } from "./badges.js";
import { UNFINISHED, holdsTarget } from "./reduce.js";

export function facts(badges, deployment) {
  const [time, age] = [took(deployment), relative(deployment.createdAt)];
  return [
    deployment.kind === "deploy" ? null : fact(KIND_ICONS[deployment.kind] ?? "deployed_code", badges.kind[deployment.kind] ?? deployment.kind),
    deployment.version ? fact("sell", deployment.version) : null,
    fact("person", `by ${deployment.requestedBy}`),
    fact("dns", deployment.target.name || deployment.target.kind),
    h("span", { class: "ax-fact" }, icon("schedule"), h("time", { datetime: new Date(deployment.createdAt).toISOString() }, exact(deployment.createdAt)), age ? ` (${age})` : ""),
    time ? fact("timer", time) : null,
    holdsTarget(deployment) && deployment.deadlineAt ? fact("hourglass_bottom", `times out at ${moment(deployment.deadlineAt)}`) : null,
    fact("account_tree", `graph v${deployment.graphVersion}`),
    deployment.description ? fact("chat", deployment.description) : null,
    deployment.cause ? fact("auto_mode", deployment.cause) : null,
    deployment.attempts ? fact("replay", plural(deployment.attempts, "retry").replace("retrys", "retries")) : null,
  ];
}

const KIND_ICONS = { rollback: "settings_backup_restore", stop: "stop_circle", scale: "content_copy", restart: "restart_alt", repair: "build" };

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
      h("span", { class: "ax-step-label" }, state === "broken" && deployment.reason === "image" ? "Image" : stage.label));
  });
}

// A cancel, and what a person took back, is no failure of a step.
function stepNow(badges, deployment) {
  if (deployment.status === "in_progress") return deployment.cancelRequestedAt ? "ended" : "now";
  if (deployment.status === "pending") return "ahead";
  return hasFailed(badges, deployment) || deployment.reason in badges.failedStage ? "broken" : "ended";
}

// Asked for, but nobody has proven yet that the work stopped.
function cancelling(badges, deployment) {
  return h("section", { class: "ax-trouble", dataset: { tone: badges.result.cancelling.tone }, role: "status" },
    h("h2", {}, icon("hourglass_top"), "Cancellation requested, not confirmed yet"),
    h("p", {}, `${deployment.cancelRequestedBy || "Somebody"} requested it ${ago(deployment.cancelRequestedAt)}. The agent stops the work and restores the previous version; the cancellation is complete when the agent confirms both.`),
    h("p", { class: "ax-advice" }, h("strong", {}, "If this takes long: "), `the agent may be unreachable. Check that its server is up. The agent finishes as soon as it reconnects; otherwise the wait ends at ${deployment.deadlineAt ? moment(deployment.deadlineAt) : "a deadline"}.`));
}

// What happened, which service, its last lines, what to do.
export function trouble(badges, deployment, again = "") {
  if (deployment.status === "in_progress" && deployment.cancelRequestedAt) return cancelling(badges, deployment);
  if (!deployment.reason && deployment.status === "rolling_back" && deployment.rolledBackBy) return undone(badges, deployment);
  if (!deployment.reason) return deployment.message ? remark(deployment) : null;
  const advice = badges.advice[deployment.reason];
  const quiet = deployment.reason === "cancelled" || deployment.reason === "superseded";
  const unproven = deployment.reason === "cancelled" && deployment.cancelRequestedAt && !deployment.cancelConfirmedAt;
  const restored = resultOf(deployment) === "restored";
  return h("section", { class: "ax-trouble", dataset: { tone: unproven ? "back" : quiet ? "idle" : "bad" }, role: quiet ? null : "alert" },
    h("h2", {}, icon(quiet ? "info" : "error"), headline(deployment) + (unproven ? ", not confirmed by the agent" : "")),
    deployment.message ? h("p", {}, deployment.message) : null,
    deployment.status === "rolling_back" ? h("p", {}, "Restoring the previous version…") : null,
    restored ? h("p", {}, "The previous version is running again, confirmed by the agent.") : null,
    deployment.logTail.length ? h("pre", { class: "ax-tail", tabindex: "0" }, deployment.logTail.join("\n")) : null,
    advice ? h("p", { class: "ax-advice" }, h("strong", {}, "What to do: "), advice) : null,
    again ? h("p", { class: "ax-row" }, h("a", { class: "ax-button", dataset: { kind: "main" }, href: again }, icon("replay"), deployment.reason === "invalid" ? "Review the new plan" : "Deploy again…")) : null);
}

// A success that a rollback by hand takes back.
function undone(badges, deployment) {
  return h("section", { class: "ax-trouble", dataset: { tone: badges.result.rolling_back.tone }, role: "status" },
    h("h2", {}, icon("settings_backup_restore"), `Being rolled back by ${shortId(deployment.rolledBackBy)}`),
    h("p", {}, "The rollback restores an earlier version; this deployment ends when the rollback does."));
}

// Something worth saying where nothing went wrong.
const remark = (deployment) => h("section", { class: "ax-trouble", dataset: { tone: "idle" }, role: "status" }, h("p", {}, deployment.message));

const HEADLINES = {
  unhealthy: "did not become healthy", build: "could not be built", image: "image not available", apply: "could not be started",
  cancelled: "Cancelled", expired: "Timed out", agent_lost: "Lost contact with the server's agent", superseded: "Superseded",
  invalid: "Cannot be deployed yet", peer: "Another service failed", refused: "Refused by the agent", internal: "Internal error",
};

function headline(deployment) {
  const words = HEADLINES[deployment.reason] ?? deployment.reason;
  return deployment.failedService ? `${deployment.failedService} ${words.charAt(0).toLowerCase()}${words.slice(1)}`
    : words.charAt(0).toUpperCase() + words.slice(1);
}

export function announce(badges, deployment) {
  const label = statusBadge(badges, deployment).label;
  return UNFINISHED.has(deployment.status) ? `${label}, ${deployment.progress} percent` : label;
}
