// The page that installs an agent: its first picture and every change are drawn from the same shape.
import { byId, csrfToken, h, icon, postForm, readState, show } from "./dom.js";
import { connection } from "./connection.js";
import { LiveSocket } from "./socket.js";

const { address, ...page } = readState();
const OPEN = new Set(["pending", "confirming", "running"]);
const WORDS = {
  reach: "Reach the server", sign_in: "Sign in", sudo: "Become root", system: "System", docker: "Docker and Compose", disk: "Disk space",
  clock: "Clock", gateway: "Way back to the gateway", runner: "Agent", unit: "Start the agent", heartbeat: "First heartbeat", remove: "Remove the agent",
};
const MARKS = { waiting: ["none", "schedule"], running: ["busy", "progress_activity"], done: ["good", "check_circle"], failed: ["bad", "error"] };
const STATES = {
  pending: ["busy", "schedule", "Waiting for a worker…"], confirming: ["back", "key", "Confirm the host key."], running: ["busy", "progress_activity", "Working…"],
  succeeded: ["good", "check_circle", "Done."], failed: ["bad", "error", "Failed."], cancelled: ["none", "cancel", "Cancelled."],
};
let installation = page.installation;

function draw() {
  const open = installation !== null && OPEN.has(installation.state);
  byId("ax-installation").hidden = installation === null;
  byId("ax-install-form").hidden = open;
  if (installation === null) return;
  byId("ax-installation-title").textContent = installation.action === "install" ? "Installation" : "Removal";
  show(byId("ax-installation-state"), state());
  show(byId("ax-installation-key"), installation.state === "confirming" ? key() : null);
  show(byId("ax-installation-steps"), ...installation.steps.map(step));
  show(byId("ax-installation-actions"), open && !installation.cancelRequestedAt ? act("cancel", h("button", { class: "ax-button", dataset: { kind: "danger" } }, icon("cancel"), "Cancel")) : null);
}

function state() {
  const [tone, mark, words] = STATES[installation.state];
  const asked = OPEN.has(installation.state) && installation.cancelRequestedAt ? "Cancelling…" : words;
  return h("p", { class: "ax-trouble", dataset: { tone } }, h("span", {}, icon(mark), " ", installation.message || asked));
}

function key() {
  return h("div", { class: "ax-trouble", dataset: { tone: "back" } },
    h("p", {}, `${installation.host} shows this host key. Nothing has been sent to it yet. Compare it with the output of ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub on the server:`),
    h("p", {}, h("code", { class: "ax-break" }, installation.offeredKey)),
    act("confirm", h("input", { type: "hidden", name: "hostKey", value: installation.offeredKey }), h("button", { class: "ax-button", dataset: { kind: "main" } }, "This is the server's key")));
}

function step({ step: name, state: now, message, startedAt, endedAt }) {
  const [tone, mark] = MARKS[now];
  const seconds = startedAt && endedAt ? `${((endedAt - startedAt) / 1000).toFixed(1)} s` : "";
  return h("li", { class: "ax-item ax-item-link ax-installation-step", dataset: { tone } }, h("span", { class: "ax-item-main" },
    h("span", { class: "ax-item-title" }, icon(mark), ` ${WORDS[name] ?? name}`, h("span", { class: "ax-unseen" }, `: ${now}`)),
    message ? h("span", { class: "ax-item-more" }, message) : null), h("span", { class: "ax-hint" }, seconds));
}

const act = (what, ...children) => postForm(address.state, csrfToken(),
  h("input", { type: "hidden", name: "do", value: what }), h("input", { type: "hidden", name: "installation", value: installation.id }), ...children);

draw();
new LiveSocket({
  address: () => address.socket,
  probe: address.state,
  received: ({ kind, installation: newest }) => {
    if (kind !== "installation") return;
    installation = newest;
    draw();
  },
  changed: connection,
});
