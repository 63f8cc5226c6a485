// Tells whether the page moves by itself right now.
import { byId, icon } from "./dom.js";

const WORDS = {
  live: ["Live", "bolt"],
  lost: ["Disconnected, reconnecting…", "wifi_off"],
  ended: ["No longer live", "link_off"],
};
const WHY = { "signed out": "You are signed out. Sign in again to continue.", gone: "You can no longer see this." };
const PATIENCE = 1500;
let shown = "";
let timer = null;

// A line that is back within a moment is not worth a word.
export function connection(state, why = "") {
  clearTimeout(timer);
  if (state === "lost" && shown === "live") timer = setTimeout(() => put(state, why), PATIENCE);
  else put(state, why);
}

function put(state, why) {
  if (state === shown) return;
  shown = state;
  const badge = byId("ax-connection");
  badge.dataset.state = state;
  badge.replaceChildren(icon(WORDS[state][1]), WHY[why] ?? WORDS[state][0]);
}
