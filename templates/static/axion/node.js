// What a node of the graph is: its image or code, port, copies, the names of its variables, its volumes, its address.
import { pill } from "./badges.js";
import { byId, h, icon, show } from "./dom.js";
import { typeOf } from "./graph.js";
import { gettext, shown } from "./say.js";

const KINDS = { 1: gettext("Service"), 2: gettext("Database"), 3: gettext("Gateway") };
// Their values may be secret: names alone are shown.
const VARIABLE = /^(env|secret)\./;

function rowsOf(node) {
  const config = node.data?.config ?? {};
  const rows = [[gettext("Kind"), KINDS[typeOf(node)] ?? String(node.type ?? "")]];
  for (const [key, value] of Object.entries(config)) {
    if (value === null || value === "") continue;
    if (VARIABLE.test(key) || key === "password") continue;
    rows.push([key, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  }
  const variables = Object.keys(config).filter((key) => VARIABLE.test(key)).map((key) => key.replace(VARIABLE, ""));
  if (variables.length) rows.push([gettext("Variables, names only"), variables.join(", ")]);
  return rows;
}

const edgesOf = (graph, node, from, to) => {
  const called = new Map(graph.nodes.map((each) => [each.id, each.data?.serviceName ?? each.id]));
  return (graph.edges ?? []).filter((edge) => edge[from] === node.id).map((edge) => called.get(edge[to])).join(", ");
};

// What only a task of a cluster can be.
const AWAY = {
  lost: { label: gettext("Its server does not answer"), tone: "bad", icon: "cloud_off" },
  waiting: { label: gettext("No server takes it"), tone: "bad", icon: "hourglass_empty" },
};

// One copy on a cluster: where it is, how it is, and why.
const taskLine = (badges, task) => h("li", {},
  task.host ? `${task.name} (${task.host}) ` : `${task.name} `, pill(badges.seen[task.state] ?? AWAY[task.state] ?? { label: task.state, tone: "idle", icon: "help" }),
  task.message ? ` ${shown(task.message)}` : null);

const row = ([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

// `service`: what was deployed of it, if anything; `addresses`: where it answers; `volumes`: their names on the host;
// `tasks`: its copies, where it runs on a cluster; `links`: where else to look, each [address, icon, words].
export function showNode({ graph, node, service, badges, addresses, tasks = [], volumes = [], links = [] }) {
  const dialog = byId("ax-node-dialog");
  const uses = edgesOf(graph, node, "source", "target");
  const usedBy = edgesOf(graph, node, "target", "source");
  show(dialog,
    h("h2", { tabindex: "-1" }, node.data?.serviceName ?? node.id),
    h("ul", { class: "ax-notes" }, ...addresses.map((each) => h("li", {}, each.url ? openLink(each) : each.text))),
    tasks.length ? h("ul", { class: "ax-notes", id: "ax-node-tasks" }, ...tasks.map((task) => taskLine(badges, task))) : null,
    h("dl", { class: "ax-node-facts" }, ...rowsOf(node).map(row),
      service?.image ? row([gettext("Image deployed"), service.image]) : null,
      service ? row([gettext("Copies deployed"), `${service.replicas}`]) : null,
      volumes.length ? row([gettext("Volumes"), volumes.join(", ")]) : null,
      uses ? row([gettext("Uses"), uses]) : null, usedBy ? row([gettext("Used by"), usedBy]) : null),
    h("div", { class: "ax-row ax-row-end" },
      ...links.map(([href, name, words]) => h("a", { class: "ax-button", href }, icon(name), words)), h("button", { type: "button", class: "ax-button", autofocus: true }, gettext("Close"))));
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
  dialog.showModal();
}

export const openLink = ({ url, text }) => h("a", { class: "ax-link", href: url, target: "_blank", rel: "noopener noreferrer" }, icon("open_in_new"), ` ${text}`);
