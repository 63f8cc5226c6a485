// The page of one deployment: its first picture and every change are drawn by the same functions from the same shape.
import { byId, csrfToken, h, icon, paced, postForm, readState, show } from "./dom.js";
import { Files } from "./files.js";
import { announce, facts, stepper, trouble } from "./head.js";
import { GraphPicture } from "./graph.js";
import { connection } from "./connection.js";
import { LogView } from "./log.js";
import { openLink, showNode } from "./node.js";
import { pill, statusBadge } from "./badges.js";
import { apply, UNFINISHED } from "./reduce.js";
import { gettext } from "./say.js";
import { serviceRows, servicesSummary } from "./services.js";
import { LiveSocket } from "./socket.js";
import { Timeline, pathRows, pathSummary } from "./timeline.js";

const LOG = "deployment.log_written";
const SENT = "deployment.command_sent";
const STATUS = "deployment.status_changed";
const LOOK_AROUND = 10000;
const page = readState();
const { badges, address } = page;
let deployment = page.deployment;

const graph = new GraphPicture(byId("ax-graph"), deployment.graph, badges, (node) => showNode({
  graph: deployment.graph, node, service: deployment.services.find((each) => each.nodeId === node.id), addresses: (page.addresses ?? []).filter((each) => each.nodeId === node.id), volumes: (page.volumes ?? {})[node.id],
}));
const log = new LogView(byId("ax-log"), byId("ax-log-filter"));
const timeline = new Timeline(byId("ax-timeline"), badges);
const files = new Files(address.files);

function draw() {
  const badge = statusBadge(badges, deployment);
  document.body.dataset.axTone = badge.tone;
  document.title = `${badge.label} · ${deployment.projectName}${deployment.version ? ` ${deployment.version}` : ""}`;
  show(byId("ax-status"), pill(badge));
  show(byId("ax-facts"), ...facts(badges, deployment, page.machines));
  show(byId("ax-steps"), ...stepper(badges, deployment));
  show(byId("ax-trouble"), trouble(badges, deployment, again(), address.variables));
  drawProgress(badge);
  show(byId("ax-actions"), ...actions());
  byId("ax-services-summary").textContent = servicesSummary(badges, deployment.services, UNFINISHED.has(deployment.status) ? 0 : deployment.completedAt);
  show(byId("ax-services"), ...serviceRows(badges, deployment.services, byId("ax-services-search").value.trim()));
  byId("ax-services-search").hidden = deployment.services.length <= 12;
  // What is over writes no more.
  byId("ax-log-follow").hidden = !UNFINISHED.has(deployment.status);
  graph.show(deployment.graph);
  graph.colour(deployment.services);
  show(byId("ax-env"), ...deployment.envNames.map((name) => h("li", {}, h("code", {}, name), h("span", {}, "•••"))));
  byId("ax-env-box").hidden = deployment.envNames.length === 0;
  const announcement = announce(badges, deployment);
  if (byId("ax-said").textContent !== announcement) byId("ax-said").textContent = announcement;
  if (deployment.startedAt) files.load();
}

function drawProgress(badge) {
  const bar = byId("ax-progress");
  bar.dataset.tone = badge.tone;
  bar.setAttribute("aria-valuenow", String(deployment.progress));
  byId("ax-progress-fill").style.width = `${deployment.progress}%`;
  byId("ax-percent").textContent = `${deployment.progress} %`;
}

function actions() {
  if (!page.canDeploy) return [];
  const { status, cancelRequestedAt } = deployment;
  if (status === "pending" || (status === "in_progress" && !cancelRequestedAt)) return [cancelButton()];
  return page.canRollBack && (status === "success" || status === "failed") ? [rollbackLink()] : [];
}

// The project's page opens the plan of the same request, with its variables, as things are by then.
function again() {
  const { id, kind, target, description, forceRedeploy, status } = deployment;
  if (!page.canDeploy || kind !== "deploy" || UNFINISHED.has(status) || status === "success") return "";
  const asked = new URLSearchParams({ again: id, target: `${target.kind}:${target.id}`, description });
  if (forceRedeploy) asked.set("force", "1");
  return `${address.project}?${asked}`;
}

function cancelButton() {
  const ask = () => byId("ax-cancel-dialog").showModal();
  return h("button", { type: "button", class: "ax-button", dataset: { kind: "danger" }, onclick: ask }, icon("cancel"), gettext("Cancel"));
}

const rollbackLink = () => h("a", { class: "ax-button", href: address.rollback }, ...(deployment.kind === "stop" ? [icon("play_circle"), gettext("Start again…")] : [icon("settings_backup_restore"), gettext("Roll back…")]));

// What it has to do with other deployments; the server knows.
function drawLinks({ links, addresses, volumes, canRollBack }) {
  Object.assign(page, { addresses, volumes, canRollBack });
  show(byId("ax-links"), ...addresses.filter((each) => each.url).map(openLink), ...links.map((each) => h("a", { class: "ax-link", href: each.address }, each.text)));
}

// What its time went to; known once it has succeeded.
function drawPath(path) {
  byId("ax-path-box").hidden = path.length === 0;
  byId("ax-path-summary").textContent = pathSummary(path);
  show(byId("ax-path"), ...pathRows(path));
}

function history(events, logs) {
  timeline.clear();
  log.clear();
  events.forEach((event) => timeline.add(event));
  logs.forEach((event) => log.add(event));
}

const drawSoon = paced(draw);

async function ask(where) {
  try {
    const answer = await fetch(where, { headers: { Accept: "application/json" }, redirect: "manual" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// Also what happens to others: a rollback of this deployment that waits or gives up changes nothing in here.
const relink = paced(async () => {
  const fresh = await ask(address.links);
  if (!fresh) return;
  drawLinks(fresh);
  drawSoon();
}, 400);

// Messages that come while the page is read anew; those that it knows by then change nothing.
let late = null;

async function reload() {
  if (late) return;
  late = [];
  const fresh = await ask(address.state);
  if (fresh) {
    deployment = fresh.deployment;
    drawLinks(fresh);
    history(fresh.events, fresh.logs);
    drawPath(fresh.path);
    draw();
  }
  const missed = late;
  late = null;
  missed.forEach(received);
}

function received(message) {
  if (late) return late.push(message);
  if (message.kind === "snapshot") {
    deployment = message.deployment;
    if (message.skipped) reload();
  } else if (message.kind === "event" && message.sequence > deployment.sequence) {
    deployment = apply(deployment, message.event);
    if (message.event.type === LOG) log.add(message.event);
    else timeline.add(message.event);
    if (message.event.type === LOG) return;
    if (message.event.type === STATUS) message.event.payload.to === "success" ? reload() : relink();
    // It took another graph than it was asked for, and a graph is too much for an event.
    if (message.event.type === SENT && "graphVersion" in message.event.payload) reload();
  }
  drawSoon();
}

byId("ax-cancel-dialog").append(postForm(address.cancel, csrfToken(),
  h("h2", {}, gettext("Cancel this deployment?")),
  h("p", {}, gettext("The work stops and the previous version is restored. This can take a moment: it is complete when the agent confirms it.")),
  h("div", { class: "ax-row ax-row-end" },
    h("button", { type: "button", class: "ax-button", onclick: () => byId("ax-cancel-dialog").close() }, gettext("Keep deploying")),
    h("button", { type: "submit", class: "ax-button", dataset: { kind: "danger" } }, gettext("Cancel deployment")))));
byId("ax-services-search").addEventListener("input", draw);
byId("ax-log-download").href = address.log;
history(page.events, page.logs);
drawPath(page.path);
drawLinks(page);
draw();
setInterval(() => document.hidden || relink(), LOOK_AROUND);
setInterval(() => UNFINISHED.has(deployment.status) && show(byId("ax-facts"), ...facts(badges, deployment, page.machines)), 1000);

const socket = new LiveSocket({
  address: () => `${address.socket}?after=${deployment.sequence}`,
  probe: address.state,
  received,
  changed: connection,
});

// For tests and for the curious at a console.
window.axionPage = { deployment: () => deployment, socket };
