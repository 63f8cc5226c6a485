// The page that installs an agent: its first picture and every change are drawn from the same shape.
import { byId, csrfToken, h, icon, postForm, readState, show } from "./dom.js";
import { connection } from "./connection.js";
import { gettext, shown } from "./say.js";
import { LiveSocket } from "./socket.js";

const { address, ...page } = readState();
const OPEN = new Set(["pending", "confirming", "running"]);
const WORDS = {
  reach: gettext("Reach the server"), sign_in: gettext("Sign in"), sudo: gettext("Become root"), system: gettext("System"), docker: gettext("Docker and Compose"),
  disk: gettext("Disk space"), clock: gettext("Clock"), gateway: gettext("Connection back to the gateway"), runner: gettext("Agent"), unit: gettext("Start the agent"),
  heartbeat: gettext("First heartbeat"), remove: gettext("Remove the agent"),
};
const MOMENTS = { waiting: gettext("waiting"), running: gettext("running"), done: gettext("done"), failed: gettext("failed") };
const MARKS = { waiting: ["none", "schedule"], running: ["busy", "progress_activity"], done: ["good", "check_circle"], failed: ["bad", "error"] };
const STATES = {
  pending: ["busy", "schedule", gettext("Waiting for a worker…")], confirming: ["back", "key", gettext("Confirm the host key.")], running: ["busy", "progress_activity", gettext("Working…")],
  succeeded: ["good", "check_circle", gettext("Done.")], failed: ["bad", "error", gettext("Failed.")], cancelled: ["none", "cancel", gettext("Cancelled.")],
};
let installation = page.installation;

function draw() {
  const open = installation !== null && OPEN.has(installation.state);
  byId("ax-installation").hidden = installation === null;
  byId("ax-install-form").hidden = open;
  if (installation === null) return;
  byId("ax-installation-title").textContent = installation.action === "install" ? gettext("Installation") : gettext("Removal");
  show(byId("ax-installation-state"), state());
  show(byId("ax-installation-key"), installation.state === "confirming" ? key() : null);
  show(byId("ax-installation-steps"), ...installation.steps.map(step));
  show(byId("ax-installation-actions"), open && !installation.cancelRequestedAt ? act("cancel", h("button", { class: "ax-button", dataset: { kind: "danger" } }, icon("cancel"), gettext("Cancel"))) : null);
}

function state() {
  const [tone, mark, words] = STATES[installation.state];
  const asked = OPEN.has(installation.state) && installation.cancelRequestedAt ? gettext("Cancelling…") : words;
  return h("p", { class: "ax-trouble", dataset: { tone } }, h("span", {}, icon(mark), " ", shown(installation.message) || asked));
}

function key() {
  return h("div", { class: "ax-trouble", dataset: { tone: "back" } },
    h("p", {}, gettext("{host} shows this host key. Nothing has been sent to it yet. Compare it with the output of ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub on the server:", { host: installation.host })),
    h("p", {}, h("code", { class: "ax-break" }, installation.offeredKey)),
    act("confirm", h("input", { type: "hidden", name: "hostKey", value: installation.offeredKey }), h("button", { class: "ax-button", dataset: { kind: "main" } }, gettext("This is the server's key"))));
}

function step({ step: name, state: now, message, startedAt, endedAt }) {
  const [tone, mark] = MARKS[now];
  const seconds = startedAt && endedAt ? gettext("{seconds} s", { seconds: ((endedAt - startedAt) / 1000).toFixed(1) }) : "";
  return h("li", { class: "ax-item ax-item-link ax-installation-step", dataset: { tone } }, h("span", { class: "ax-item-main" },
    h("span", { class: "ax-item-title" }, icon(mark), ` ${WORDS[name] ?? name}`, h("span", { class: "ax-unseen" }, `: ${MOMENTS[now] ?? now}`)),
    message ? h("span", { class: "ax-item-more" }, shown(message)) : null), h("span", { class: "ax-hint" }, seconds));
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
