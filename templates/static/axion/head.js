// The head of a deployment's page: status, progress, stages, and what went wrong.
import { h, icon } from "./dom.js";
import { ago, plural, took } from "./format.js";
import { statusLook } from "./looks.js";
import { UNFINISHED } from "./reduce.js";

export function facts(deployment) {
  const time = took(deployment);
  return [
    fact("person", `by ${deployment.requestedBy}`),
    fact("dns", deployment.target.name || deployment.target.kind),
    fact("schedule", ago(deployment.createdAt)),
    time ? fact("timer", time) : null,
    fact("account_tree", `graph v${deployment.graphVersion}`),
    deployment.attempts ? fact("replay", plural(deployment.attempts, "retry").replace("retrys", "retries")) : null,
  ];
}

const fact = (symbol, text) => h("span", { class: "ax-fact" }, icon(symbol), text);

export function stepper(looks, deployment) {
  const steps = looks.stages.filter((stage) => stage.key !== "pushing" || deployment.stage === "pushing" || deployment.target.kind === "cluster");
  const done = deployment.status === "success" ? steps.length : steps.findIndex((stage) => stage.key === deployment.stage);
  return steps.map((stage, index) => {
    const state = index < done ? "done" : index === done ? stepNow(deployment) : "ahead";
    return h("li", { class: "ax-step", dataset: { state }, "aria-current": state === "now" ? "step" : null },
      h("span", { class: "ax-step-mark" }, state === "done" ? icon("check") : state === "broken" ? icon("close") : String(index + 1)),
      h("span", { class: "ax-step-label" }, stage.label));
  });
}

function stepNow(deployment) {
  if (deployment.status === "in_progress") return "now";
  return deployment.status === "pending" ? "ahead" : "broken";
}

// What happened, which service, its last lines, what to do.
export function trouble(looks, deployment) {
  if (!deployment.reason) return null;
  const advice = looks.advice[deployment.reason];
  const quiet = deployment.reason === "cancelled" || deployment.reason === "superseded";
  return h("section", { class: "ax-trouble", dataset: { tone: quiet ? "idle" : "bad" }, role: quiet ? null : "alert" },
    h("h2", {}, icon(quiet ? "info" : "error"), headline(deployment)),
    deployment.message ? h("p", {}, deployment.message) : null,
    deployment.status === "rolling_back" ? h("p", {}, "Putting back what ran before…") : null,
    deployment.status === "rolled_back" ? h("p", {}, "What ran before is running again.") : null,
    deployment.logTail.length ? h("pre", { class: "ax-tail", tabindex: "0" }, deployment.logTail.join("\n")) : null,
    advice ? h("p", { class: "ax-advice" }, h("strong", {}, "What to do: "), advice) : null);
}

const HEADLINES = {
  unhealthy: "did not become healthy", build: "could not be built", image: "has no image", apply: "could not be started",
  cancelled: "Cancelled", expired: "Ran out of time", agent_lost: "The server's agent was lost", superseded: "Superseded",
  invalid: "Cannot be deployed as it is", peer: "Another service failed", refused: "Refused by the agent", internal: "Something went wrong",
};

function headline(deployment) {
  const words = HEADLINES[deployment.reason] ?? deployment.reason;
  return deployment.failedService ? `${deployment.failedService} ${words.charAt(0).toLowerCase()}${words.slice(1)}`
    : words.charAt(0).toUpperCase() + words.slice(1);
}

export function announce(looks, deployment) {
  const label = statusLook(looks, deployment).label;
  return UNFINISHED.has(deployment.status) ? `${label}, ${deployment.progress} percent` : label;
}
