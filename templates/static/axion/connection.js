// Tells whether the page moves by itself right now.
import { byId, icon } from "./dom.js";
import { gettext } from "./say.js";

const WORDS = {
  live: [gettext("Live"), "bolt"],
  lost: [gettext("Disconnected, reconnecting…"), "wifi_off"],
  ended: [gettext("No longer live"), "link_off"],
};
const WHY = { "signed out": gettext("You are signed out. Sign in again to continue."), gone: gettext("You can no longer see this.") };
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
