// Waits for an agent, and copies the line that starts it.
import { byId, h, icon, readState, show } from "./dom.js";
import { gettext } from "./say.js";

const PAUSE = 1500;
const { presence, since } = readState();
const box = byId("ax-waiting");

// One that was there before is not the one that is waited for.
function draw({ presence: state, enrolledAt } = {}) {
  const online = state === "online" && enrolledAt >= since;
  box.dataset.tone = online ? "good" : "busy";
  show(box, icon(online ? "check_circle" : "progress_activity"), " ", online ? gettext("The agent is connected.") : gettext("Waiting for the agent…"), " ",
    online ? h("a", { class: "ax-button", href: box.dataset.next, dataset: { kind: "main" } }, gettext("Add an application")) : null);
  return online;
}

async function look() {
  try {
    const answer = await fetch(presence, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.ok && draw(await answer.json())) return;
  } catch {
    // The line broke: the next look tells.
  }
  setTimeout(look, PAUSE);
}

byId("ax-copy").addEventListener("click", async ({ target }) => {
  try {
    await navigator.clipboard.writeText(byId("enrolment-command").textContent);
    target.textContent = gettext("Copied");
  } catch {
    target.textContent = gettext("Select and copy it");
  }
});
draw();
look();
