// The page of a project's logs: lines as their servers tell them, for as long as the page is open.
import { connection } from "./connection.js";
import { byId, h, readState } from "./dom.js";
import { LogView } from "./log.js";
import { gettext, ngettext, shown } from "./say.js";
import { LiveSocket } from "./socket.js";

const MAX_REMARKS = 20;
const FIELDS = { server: gettext("Server"), service: gettext("Service"), since: gettext("Start from"), search: gettext("Containing") };
const { wanted, address } = readState();
const view = new LogView(byId("ax-log"), byId("ax-log-filter"));
// By container the time of its last line, in nanoseconds as text of one length: what comes twice is shown once.
const last = new Map();
let newest = 0;

function socketAddress() {
  const back = Number(wanted.back);
  const since = newest || (back ? Date.now() - back * 1000 : 0);
  const query = new URLSearchParams({ tail: back ? "5000" : "500" });
  for (const name of ["server", "service", "search"]) if (wanted[name]) query.set(name, wanted[name]);
  if (since) query.set("since", String(since));
  return `${address.socket}?${query}`;
}

function remark(text) {
  const list = byId("ax-logs-remarks");
  list.append(h("li", {}, text));
  while (list.childElementCount > MAX_REMARKS) list.firstElementChild.remove();
}

function add(line) {
  const key = `${line.server}/${line.container}`;
  const at = line.at.padStart(20, "0");
  if (at <= (last.get(key) ?? "")) return;
  last.set(key, at);
  const milliseconds = Number(BigInt(line.at) / 1000000n);
  newest = Math.max(newest, milliseconds);
  view.add({ createdAt: milliseconds, payload: { serviceName: line.service, source: line.stream, text: line.text } });
}

function received(message) {
  if (message.kind === "logs") {
    if (message.caughtUp) byId("ax-logs-remarks").replaceChildren();
    if (message.leftOut) note(ngettext("{count} line left out: too many at once", "{count} lines left out: too many at once", message.leftOut));
    message.lines.forEach(add);
    message.remarks.forEach((each) => remark(shown(each)));
    if (message.caughtUp) byId("ax-log-empty").textContent = wanted.search ? gettext("Nothing found.") : gettext("Nothing written.");
  }
  if (message.kind === "end") remark(gettext("No more lines are coming. Press Read to ask again."));
  if (message.kind === "refused") {
    remark([shown(message.message), ...Object.entries(message.details).map(([field, why]) => `${FIELDS[field] ?? field}: ${shown(why)}`)].join(" "));
    byId("ax-log-empty").textContent = gettext("Nothing can be read.");
  }
}

const note = (text) => view.add({ createdAt: newest || Date.now(), payload: { source: "agent", text: `… ${text} …` } });

new LiveSocket({ address: socketAddress, probe: address.state, received, changed: connection });
