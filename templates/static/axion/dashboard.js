// The first page: what works now, what happened last, how the servers are. Asks again every few seconds while looked at.
import { byId, h, icon, readState, show } from "./dom.js";
import { connection } from "./connection.js";
import { hasFailed, pill } from "./badges.js";
import { drawFirstSteps } from "./first-steps.js";
import { ago, moment } from "./format.js";
import { deploymentRow, incidentRow, nothing } from "./rows.js";
import { gettext, ngettext, pieces, shown } from "./say.js";

const PAUSE = 4000;
const SHORT_PAUSE = 800;
const KINDS = { server: gettext("server"), cluster: gettext("cluster") };
const [OPEN, ADD] = [gettext("Open a project"), gettext("Add one")];
let page = readState();

const rows = (list) => list.map((each) => deploymentRow(page.badges, page.address.deployments, each, { project: true }));

const to = (href, words) => h("a", { class: "ax-link", href }, words);

function targetCard(target) {
  const more = target.kind === "cluster" ? ngettext("{count} server", "{count} servers", Number(target.servers)) : "";
  const to = target.kind === "cluster" ? `${page.address.clusters}${target.id}/nodes/` : `${page.address.servers}${target.id}/overview/`;
  return h("li", { class: "ax-item" },
    h("a", { href: to, class: "ax-item-link" },
      h("span", { class: "ax-item-main" }, h("span", { class: "ax-item-title", title: target.name }, target.name), h("span", { class: "ax-item-more" }, more || KINDS[target.kind])),
      target.presence ? pill(page.badges.presence[target.presence]) : icon("lan")));
}

// A stack that is not seen running: what is wrong, and since when where somebody knows.
function unwellRow(stack) {
  const since = stack.since ? (stack.state === "unknown" ? gettext("last seen {ago}", { ago: ago(stack.since) }) : gettext("since {moment}", { moment: moment(stack.since) })) : "";
  return h("li", { class: "ax-item" },
    h("a", { href: `${page.address.projects}${stack.projectId}/change/`, class: "ax-item-link" },
      h("span", { class: "ax-item-main" },
        h("span", { class: "ax-item-title" }, gettext("{project} on {server}", { project: stack.projectName, server: stack.serverName })),
        h("span", { class: "ax-item-more" }, [since, shown(stack.message)].filter(Boolean).join(" · "))),
      pill(page.badges.seen[stack.state])));
}

function drawIncidents({ open, total }) {
  byId("ax-incidents-card").hidden = !open.length;
  byId("ax-incidents-more").textContent = total > open.length ? gettext("and {count} more", { count: total - open.length }) : "";
  show(byId("ax-incidents"), ...open.map((each) => incidentRow(page.badges, page.address.incidents, each, { project: true })));
}

// One of the numbers, in a colour where it asks for attention.
function number(name, value, tone, words = "") {
  const shown = byId(`ax-number-${name}`);
  shown.textContent = value;
  shown.dataset.tone = tone;
  if (words) shown.nextElementSibling.textContent = words;
}

function drawStacks({ running, meant, unwell, moreUnwell, leftOut }) {
  number("stacks", `${running}/${meant}`, running < meant ? "back" : "");
  byId("ax-unwell-card").hidden = !unwell.length;
  const more = [moreUnwell ? gettext("and {count} more", { count: moreUnwell }) : "", leftOut ? ngettext("{count} project not checked", "{count} projects not checked", leftOut) : ""];
  byId("ax-unwell-more").textContent = more.filter(Boolean).join(", ");
  show(byId("ax-unwell"), ...unwell.map(unwellRow));
}

function draw() {
  drawFirstSteps(page);
  const { unfinished, underWay, recent, targets, projects, address } = page;
  const failed = recent.filter((each) => hasFailed(page.badges, each)).length;
  const { online, total } = page.servers;
  number("busy", underWay, underWay ? "busy" : "");
  number("projects", projects, "", ngettext("project", "projects", projects));
  number("servers", `${online}/${total}`, online < total ? "bad" : "");
  number("failed", failed, failed ? "bad" : "");
  drawIncidents(page.incidents);
  drawStacks(page.stacks);
  show(byId("ax-busy"), ...(unfinished.length ? rows(unfinished) : [nothing(gettext("No deployment in progress."))]));
  show(byId("ax-recent"), ...(recent.length ? rows(recent) : [nothing("", ...pieces("No deployments yet. {open} and review its changes.", { open: to(address.projects, OPEN) }))]));
  show(byId("ax-targets"), ...(targets.length ? targets.map(targetCard) : [nothing("", ...pieces("No servers yet. {add} and install its agent.", { add: to(address.servers, ADD) }))]));
  byId("ax-targets-more").textContent = page.moreTargets ? gettext("and {count} more", { count: page.moreTargets }) : "";
  byId("ax-said").textContent = ngettext("{count} deployment in progress", "{count} deployments in progress", underWay);
}

async function again() {
  let pause = PAUSE;
  if (!document.hidden) {
    try {
      const answer = await fetch(page.address.state, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") return connection("ended", "signed out");
      if (answer.ok) {
        page = await answer.json();
        connection("live");
        draw();
      } else connection("lost");
    } catch {
      connection("lost");
      pause = SHORT_PAUSE;
    }
  }
  setTimeout(again, pause);
}

draw();
connection("live");
setTimeout(again, PAUSE);
