// The page of a project: its graph, what runs where, who waits, and the way to deploy.
import { byId, h, icon, paced, readState, show } from "./dom.js";
import { connection } from "./connection.js";
import { DeployForm } from "./deploy.js";
import { GraphPicture } from "./graph.js";
import { ago, moment } from "./format.js";
import { pill, statusBadge } from "./badges.js";
import { apply, UNFINISHED, holdsTarget } from "./reduce.js";
import { openLink, showNode } from "./node.js";
import { bar, deploymentRow, incidentRow, nothing } from "./rows.js";
import { gettext, ngettext, pieces, shown } from "./say.js";
import { LiveSocket } from "./socket.js";
import { differencesByNode, driftOf } from "./drift.js";

const MAX_KEPT = 60;
const MAX_RECENT = 10;
const page = readState();
const { badges, address } = page;
let stacks = page.stacks;
let { incidents } = page;
const csrf = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
const known = new Map(page.deployments.map((deployment) => [deployment.id, deployment]));
let addresses = page.addresses;
const graph = new GraphPicture(byId("ax-graph"), page.graph, badges, chosen);

// What was deployed of a node, and where it answers, on every target.
function chosen(node) {
  const deployed = newestFirst().find((each) => each.status === "success" && each.kind !== "stop");
  const service = deployed?.services.find((each) => each.nodeId === node.id);
  showNode({
    graph: page.graph, node, service, badges, tasks: tasksOf(node), volumes: page.volumes[node.id], links: service ? linksOf(service) : [],
    addresses: Object.values(addresses).flat().filter((each) => each.nodeId === node.id),
  });
}

const tasksOf = (node) => Object.values(stacks).flatMap((stack) => stack.services).filter((each) => each.nodeId === node.id).flatMap((each) => each.tasks ?? []);

const newestFirst = () => [...known.values()].sort((one, other) => other.createdAt - one.createdAt || (other.id > one.id ? 1 : -1));

const linksOf = (service) => [[`${address.logs}?service=${encodeURIComponent(service.name)}`, "article", gettext("Logs")]];

function lanes() {
  const byTarget = new Map(page.targets.map((target) => [target.id, { target, all: [] }]));
  for (const deployment of newestFirst()) {
    const lane = byTarget.get(deployment.target.id) ?? { target: deployment.target, all: [] };
    lane.all.push(deployment);
    byTarget.set(deployment.target.id, lane);
  }
  return [...byTarget.values()].filter((lane) => lane.all.length).map(({ target, all }) => ({
    target,
    holder: all.find(holdsTarget),
    waiting: all.filter((each) => each.status === "pending").reverse(),
    running: all.find((each) => each.status === "success"),
    undone: all.find((each) => each.status === "rolling_back" && each.rolledBackBy),
  }));
}

// What was proven when a deployment ended; how it is now stands below it, from what the agent sees.
function whatWasDeployed({ running, undone }) {
  if (undone) return [dot("back"), pieces("{deployment} is being rolled back", { deployment: link(undone) })];
  if (!running) return [dot("idle"), gettext("No successful deployment here.")];
  if (running.kind === "stop") return [dot("idle"), link(running, gettext("Stopped by {user}", { user: running.requestedBy })), ` ${ago(running.completedAt)}`];
  return [dot("idle"), pieces("Deployed {deployment}, {ago}", { deployment: link(running), ago: ago(running.completedAt) })];
}

// What the agent sees now; whoever cannot know says so.
function howItIs({ target, running, holder }) {
  const seen = stacks[target.id];
  if (!seen || !running || holder || seen.state === "nothing") return null;
  const since = seen.since && seen.state !== "unknown" ? gettext("since {moment}", { moment: moment(seen.since) }) : "";
  const age = seen.seenAt ? gettext("last seen {ago}", { ago: ago(seen.seenAt) }) : gettext("never seen");
  const strangers = seen.strangers.length ? gettext("Not part of this project's graph: {names}.", { names: seen.strangers.join(", ") }) : "";
  return h("div", { class: "ax-lane-line ax-lane-seen", dataset: { state: seen.state } },
    pill(badges.seen[seen.state]), ` ${since} `, h("span", { class: "ax-hint" }, age),
    seen.message || strangers ? h("p", { class: "ax-lane-why" }, [shown(seen.message), strangers].filter(Boolean).join(" ")) : null);
}

// Where its stack answers when it runs.
function opened(target) {
  const known = (addresses[target.id] ?? []).filter((each) => each.url);
  return known.length ? h("p", { class: "ax-lane-line" }, gettext("Open"), " ", ...known.slice(0, 6).flatMap((each) => [openLink(each), " "])) : null;
}

async function readAddresses() {
  try {
    const answer = await fetch(address.state, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.ok) ({ addresses } = await answer.json());
  } catch {
    // The line broke: the next success, or a reload, reads them.
  }
  drawSoon();
}

// What the nodes used lately, where the graph is coloured by; now and then, while somebody looks.
let sparks = { servers: {} };

async function readSparks() {
  if (document.hidden) return;
  try {
    const answer = await fetch(address.sparks, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.ok) sparks = await answer.json();
  } catch {
    // The line broke: the next turn reads them.
  }
  drawSoon();
}

const dot = (tone) => h("span", { class: "ax-dot", dataset: { tone } });

// What may be done here, for who may do it; each leads to a page that says first what will happen.
function actions({ target, running, undone }) {
  const at = `?target=${target.kind}:${target.id}`;
  const stopped = running?.kind === "stop";
  // Of what was deleted only its history is left.
  const gone = page.gone.includes(target.id);
  const canDeploy = page.canDeploy && !gone;
  return h("div", { class: "ax-row ax-lane-do" },
    canDeploy && running && !undone && h("a", { class: "ax-button", href: `${address.deployments}${running.id}/rollback/` }, icon(stopped ? "play_circle" : "settings_backup_restore"), stopped ? gettext("Start again") : gettext("Roll back")),
    canDeploy && running && !stopped && h("a", { class: "ax-button", href: address.scale + at }, icon("content_copy"), gettext("Scale")),
    canDeploy && running && !stopped && h("a", { class: "ax-button", href: address.restart + at }, icon("restart_alt"), gettext("Restart a service")),
    canDeploy && running && !stopped && h("a", { class: "ax-button", href: address.stop + at }, icon("stop_circle"), gettext("Stop")),
    target.kind === "server" && !gone && h("a", { class: "ax-button", href: `${address.logs}?server=${target.id}` }, icon("article"), gettext("Logs")),
    h("a", { class: "ax-button", href: `${address.history}?target=${target.id}` }, icon("history"), gettext("History")));
}

// Whoever holds a target lets it go in the end, whatever happens to its agent.
function heldBy(holder) {
  const badge = statusBadge(badges, holder);
  const said = { who: holder.requestedBy, deployment: link(holder), moment: moment(holder.startedAt), end: holder.deadlineAt ? moment(holder.deadlineAt) : "" };
  const words = said.end ? pieces("{who} started {deployment} at {moment}, times out at {end}", said) : pieces("{who} started {deployment} at {moment}", said);
  return h("div", { class: "ax-lane-line ax-lane-busy" },
    h("span", {}, pill(badge), " ", words),
    bar(holder.progress, badge.tone));
}

function laneCard(lane) {
  const { target, holder, waiting } = lane;
  const presence = badges.presence[target.presence];
  return h("li", { class: "ax-lane" },
    h("div", { class: "ax-lane-head" }, icon(target.kind === "cluster" ? "lan" : "dns"), h("strong", {}, page.machines[target.id] ? h("a", { class: "ax-link", href: page.machines[target.id] }, target.name) : target.name), presence ? pill(presence) : null),
    h("p", { class: "ax-lane-line" }, whatWasDeployed(lane)),
    howItIs(lane),
    opened(target),
    lane.running && !holder ? driftOf({ stack: stacks[target.id], target, address, canDeploy: page.canDeploy, csrf }) : null,
    holder ? heldBy(holder) : null,
    waiting.length ? h("div", { class: "ax-lane-line" }, ngettext("{count} waiting, next first:", "{count} waiting, next first:", waiting.length),
      h("ol", { class: "ax-queue" }, waiting.slice(0, 8).map((each) => h("li", {}, pieces("{deployment} by {who}, {ago}", { deployment: link(each), who: each.requestedBy, ago: ago(each.createdAt) }))),
        waiting.length > 8 ? h("li", { class: "ax-queue-rest" }, gettext("and {count} more", { count: waiting.length - 8 })) : null)) : null,
    actions(lane));
}

const link = (deployment, words = "") => h("a", { class: "ax-link", href: `${address.deployments}${deployment.id}/change/` }, words || deployment.version || deployment.id.slice(0, 8));

function draw() {
  const all = newestFirst();
  const cards = lanes().map(laneCard);
  show(byId("ax-lanes"), ...(cards.length ? cards : [nothing(gettext("Not deployed anywhere yet."))]));
  byId("ax-incidents-card").hidden = !incidents.length;
  show(byId("ax-incidents"), ...incidents.map((each) => incidentRow(badges, address.incidents, each)));
  const rows = all.slice(0, MAX_RECENT).map((each) => deploymentRow(badges, address.deployments, each));
  show(byId("ax-recent"), ...(rows.length ? rows : [nothing(gettext("No deployments yet. The first one will appear here and update by itself."))]));
  const working = all.find(holdsTarget);
  const proven = working ? [] : provenLast(all);
  if (working ?? proven.length) graph.colour(working?.services ?? worstOf(proven.flatMap(seenServices)));
  graph.mark(new Map(proven.flatMap((each) => [...differencesByNode(stacks[each.target.id])])));
  graph.spark({ ...sparks, nodes: sparks.servers[(working ?? proven[0])?.target.id] ?? {} });
  const busy = all.filter((each) => UNFINISHED.has(each.status)).length;
  byId("ax-said").textContent = busy ? ngettext("{count} deployment in progress", "{count} deployments in progress", busy) : gettext("Nothing in progress");
}

// The newest success on each target.
function provenLast(all) {
  const successes = all.filter((each) => each.status === "success").reverse();
  return [...new Map(successes.map((each) => [each.target.id, each])).values()].reverse();
}

// A node that runs on several servers is coloured by the one where it is worst.
const WORST_FIRST = ["gone", "exited", "restarting", "unhealthy", "degraded", "stopped", "paused", "unknown", "starting", "running"];

function worstOf(services) {
  const rank = (service) => WORST_FIRST.indexOf(service.seen ?? service.state);
  const worst = new Map();
  for (const service of services) {
    const before = worst.get(service.nodeId);
    if (!before || rank(service) < rank(before)) worst.set(service.nodeId, service);
  }
  return [...worst.values()];
}

// The nodes of the graph are coloured by what is seen now, not by what was proven once.
function seenServices(deployment) {
  const seen = stacks[deployment.target.id];
  if (!seen) return deployment.services;
  const now = new Map(seen.services.map((service) => [service.nodeId, service.state]));
  return deployment.services.map((service) => ({ ...service, seen: now.get(service.nodeId) ?? "unknown" }));
}

const drawSoon = paced(draw);

function put(deployment) {
  known.set(deployment.id, deployment);
  for (const old of newestFirst().slice(MAX_KEPT)) if (!UNFINISHED.has(old.status) && old.status !== "success") known.delete(old.id);
}

function received(message) {
  if (message.kind === "snapshot") message.deployments.forEach(put);
  if (message.kind === "deployment") put(message.deployment);
  if (message.kind === "stacks") ({ stacks, incidents } = message);
  if (message.kind === "event" && message.event.type === "deployment.status_changed" && message.event.payload.to === "success") readAddresses();
  if (message.kind === "event" && known.has(message.event.deploymentId)) put(apply(known.get(message.event.deploymentId), message.event));
  drawSoon();
}

function addVariable() {
  const name = h("input", { name: "envName", class: "ax-input", placeholder: gettext("NAME"), "aria-label": gettext("Name of the variable"), autocomplete: "off", spellcheck: "false" });
  const value = h("input", { name: "envValue", class: "ax-input", type: "password", placeholder: gettext("value"), "aria-label": gettext("Value of the variable"), autocomplete: "new-password" });
  const row = h("div", { class: "ax-row" }, name, value,
    h("button", { type: "button", class: "ax-button", "aria-label": gettext("Remove this variable"), onclick: () => row.remove() }, icon("close")));
  byId("ax-variables").append(row);
  name.focus();
}

// Whoever comes to deploy again sees the plan at once; the variables are taken from the deployment that is repeated.
function repeat(deployForm) {
  const asked = new URLSearchParams(location.search);
  const { elements } = deployForm.form;
  if (!asked.get("again") || !page.graphVersion) return;
  const wanted = [...elements.target.options].find((each) => each.value === asked.get("target"));
  if (!wanted) return;
  wanted.selected = true;
  elements.again.value = asked.get("again");
  elements.description.value = asked.get("description") ?? "";
  elements.forceRedeploy.checked = asked.has("force");
  byId("ax-again").hidden = false;
  // A reload, or a way back, asks nothing anew.
  history.replaceState(null, "", location.pathname);
  deployForm.look();
}

byId("ax-add-variable")?.addEventListener("click", addVariable);
if (byId("ax-deploy-form")) repeat(new DeployForm(byId("ax-deploy-form"), address));
draw();
setInterval(draw, 5000);

const hasRows = () => known.size > 0;
new LiveSocket({
  address: () => address.socket + (hasRows() ? "?resume" : ""),
  probe: address.state,
  opened: (socket) => hasRows() && socket.send(JSON.stringify({
    kind: "resume", after: Object.fromEntries([...known.values()].map((each) => [each.id, each.sequence])),
  })),
  received,
  changed: connection,
});
connection("live");

readSparks();
setInterval(readSparks, 30_000);
