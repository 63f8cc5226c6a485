// The graph as a picture, drawn once and then coloured by what happens.
import { h, s } from "./dom.js";
import { HEIGHT, WIDTH, layout } from "./layout.js";
import { serviceBadge } from "./badges.js";
import { gettext } from "./say.js";

const NODE_ICONS = { 1: "deployed_code", 2: "database", 3: "router" };
const NODE_WORDS = { 1: gettext("service"), 2: gettext("database"), 3: gettext("gateway") };
// A graph may write the type as a number or as a word.
const TYPES = { SERVICE: 1, DATABASE: 2, GATEWAY: 3 };
export const typeOf = ({ type }) => TYPES[String(type).toUpperCase()] ?? type;
const QUEUE = 1;
const NARROW = 560;
const MAX_LINE_LENGTH = 14;

export class GraphPicture {
  // `chosen` is told of the node that somebody clicks, or chooses by keyboard.
  constructor(container, graph, badges, chosen = () => {}) {
    Object.assign(this, { container, graph, badges, chosen, nodes: new Map(), services: [], differences: new Map(), sparks: { nodes: {} } });
    this.narrow = null;
    new ResizeObserver(() => this.fit()).observe(container);
    this.fit();
  }

  // Marks nodes that differ from what was deployed: `differences` is node id to sentences.
  mark(differences) {
    this.differences = differences;
    for (const [id, box] of this.nodes) {
      const found = differences.get(id) ?? [];
      box.classList.toggle("ax-node-differs", found.length > 0);
      box.querySelector(".ax-node-drift").textContent = found.length ? `≠ ${found.length}` : "";
      box.dataset.differs = found.join("\n");
      retitle(box);
    }
  }

  // What each node used in the last hour, against its limit: `nodes` is node id to a path in a picture of that size.
  spark(sparks) {
    this.sparks = sparks;
    for (const [id, box] of this.nodes) {
      const drawn = sparks.nodes[id];
      box.querySelector(".ax-spark")?.remove();
      box.dataset.uses = drawn?.words ?? "";
      if (drawn) box.append(sparkLine(drawn, sparks));
      retitle(box);
    }
  }

  fit() {
    const narrow = this.container.clientWidth < NARROW;
    if (narrow === this.narrow) return;
    this.narrow = narrow;
    this.draw();
    this.colour(this.services);
    this.mark(this.differences);
    this.spark(this.sparks);
  }

  // Another graph in place of this one.
  show(graph) {
    if (graph === this.graph) return;
    this.graph = graph;
    this.draw();
  }

  draw() {
    this.nodes.clear();
    if (!this.graph.nodes?.length) {
      this.container.replaceChildren(h("p", { class: "ax-empty" }, gettext("No graph uploaded yet.")));
      return;
    }
    const { boxes, width, height } = layout(this.graph, this.narrow);
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": this.words(), class: "ax-graph" });
    svg.style.width = `${width}px`;
    svg.style.minWidth = `${Math.round(width * (this.narrow ? 0.3 : 0.7))}px`;
    svg.append(arrowHead());
    for (const edge of this.graph.edges ?? []) {
      const [from, to] = [boxes.get(edge.source), boxes.get(edge.target)];
      if (from && to) svg.append(edgeLine(from, to, edge, this.narrow));
    }
    for (const node of this.graph.nodes) {
      const box = nodeBox(node, boxes.get(node.id));
      const choose = () => this.chosen(node);
      box.addEventListener("click", choose);
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      });
      this.nodes.set(node.id, box);
      svg.append(box);
    }
    this.container.replaceChildren(svg);
  }

  words() {
    const names = new Map(this.graph.nodes.map((node) => [node.id, nameOf(node)]));
    const edges = (this.graph.edges ?? []).map((edge) => gettext("{one} uses {other}", { one: names.get(edge.source), other: names.get(edge.target) }));
    return [gettext("Graph of {names}.", { names: [...names.values()].join(", ") }), `${edges.join(", ")}.`].join(" ");
  }

  colour(services) {
    this.services = services;
    for (const service of services) {
      const box = this.nodes.get(service.nodeId);
      if (!box) continue;
      const badge = serviceBadge(this.badges, service);
      box.dataset.tone = badge.tone;
      box.querySelector(".ax-node-state").textContent = badge.label;
    }
  }
}

const nameOf = (node) => node.data?.serviceName ?? node.id;

// Names of one family differ somewhere: begin and end are shown.
function linesOf(name) {
  if (name.length <= MAX_LINE_LENGTH) return [name];
  const rest = name.slice(MAX_LINE_LENGTH);
  return [name.slice(0, MAX_LINE_LENGTH), rest.length <= MAX_LINE_LENGTH ? rest : `…${rest.slice(1 - MAX_LINE_LENGTH)}`];
}

function nodeBox(node, box) {
  const name = nameOf(node);
  const lines = linesOf(name);
  const [top, step] = lines.length === 1 ? [27, 18] : [21, 15];
  const kind = NODE_WORDS[typeOf(node)] ?? gettext("node");
  const words = `${name} (${kind})`;
  const group = s("g", { class: "ax-node", transform: `translate(${box.x} ${box.y})`, "data-tone": "none", "data-name": words, role: "button", tabindex: "0", "aria-label": gettext("{name}, {kind}: show details", { name, kind }) },
    s("title", {}, words),
    s("rect", { width: WIDTH, height: HEIGHT, rx: 12, class: "ax-node-box" }),
    s("rect", { width: 5, height: HEIGHT - 24, x: 0, y: 12, rx: 2.5, class: "ax-node-stripe" }),
    s("text", { x: 18, y: HEIGHT / 2 + 9, class: "ax-node-icon" }, NODE_ICONS[typeOf(node)] ?? "deployed_code"),
    ...lines.map((line, at) => s("text", { x: 54, y: top + at * step, class: "ax-node-name" }, line)),
    s("text", { x: 54, y: top + lines.length * step, class: "ax-node-state" }, NODE_WORDS[typeOf(node)] ?? ""),
    s("text", { x: WIDTH - 12, y: HEIGHT - 12, class: "ax-node-drift", "text-anchor": "end" }, ""));
  return group;
}

const retitle = (box) => {
  box.querySelector("title").textContent = [box.dataset.name, box.dataset.uses, box.dataset.differs].filter(Boolean).join("\n");
};

// Below the box, where no words are.
function sparkLine(drawn, { width, height }) {
  const line = s("svg", { class: "ax-spark", x: 10, y: HEIGHT + 3, width: WIDTH - 20, height: 14, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (drawn.tight) line.setAttribute("data-tight", "");
  if (drawn.limitY !== null) line.append(s("line", { class: "ax-spark-limit", x1: 0, x2: width, y1: drawn.limitY, y2: drawn.limitY }));
  line.append(s("path", { class: "ax-spark-line", d: drawn.path }));
  return line;
}

function edgeLine(from, to, edge, narrow) {
  const d = narrow ? downwards(from, to) : sideways(from, to);
  return s("path", { d, class: Number(edge.type) === QUEUE ? "ax-edge ax-edge-queue" : "ax-edge", "marker-end": "url(#ax-arrow)" });
}

function sideways(from, to) {
  const forward = to.x >= from.x;
  const [x1, y1] = [from.x + (forward ? WIDTH : 0), from.y + HEIGHT / 2];
  const [x2, y2] = [to.x + (forward ? -7 : WIDTH + 7), to.y + HEIGHT / 2];
  const bend = Math.max(30, Math.abs(x2 - x1) / 2) * (forward ? 1 : -1);
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function downwards(from, to) {
  const [x1, y1, x2, y2] = [from.x + WIDTH / 2, from.y + HEIGHT, to.x + WIDTH / 2, to.y - 7];
  const bend = Math.max(20, Math.abs(y2 - y1) / 2);
  return `M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
}

function arrowHead() {
  return s("defs", {}, s("marker", { id: "ax-arrow", viewBox: "0 0 8 8", refX: 4, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    s("path", { d: "M0 0 L8 4 L0 8 z", class: "ax-arrow" })));
}
