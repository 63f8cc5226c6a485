// Waits for an agent, and copies the line that starts it.
import { byId, h, icon, readState, show } from "./dom.js";

const PAUSE = 1500;
const { presence, since } = readState();
const box = byId("ax-waiting");

// One that was there before is not the one that is waited for.
function draw({ presence: state, enrolledAt } = {}) {
  const online = state === "online" && enrolledAt >= since;
  box.dataset.tone = online ? "good" : "busy";
  show(box, icon(online ? "check_circle" : "progress_activity"), online ? " The agent is connected. " : " Waiting for the agent…",
    online ? h("a", { class: "ax-button", href: box.dataset.next, dataset: { kind: "main" } }, "Add an application") : null);
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
    target.textContent = "Copied";
  } catch {
    target.textContent = "Select and copy it";
  }
});
draw();
look();
