// Where the nodes of a graph go: where their author put them, or in layers of callers and callees. Pure.

export const WIDTH = 176;
export const HEIGHT = 60;
const GAP_X = 64;
const GAP_Y = 26;
const MIN_STRETCH = 0.8;
const MAX_STRETCH = 4;
const MAX_PLACED = 250;

// Boxes by node id and the size of the whole. `narrow` lays layers below each other, for phones.
export function layout(graph, narrow) {
  const placed = !narrow && graph.nodes.length <= MAX_PLACED ? asPlaced(graph.nodes) : null;
  return framed(placed ?? layered(graph, narrow));
}

function asPlaced(nodes) {
  const places = nodes.map((node) => ({ id: node.id, x: Number(node.position?.x), y: Number(node.position?.y) }));
  if (places.some((place) => !Number.isFinite(place.x) || !Number.isFinite(place.y))) return null;
  const stretch = stretchOf(places);
  if (stretch > MAX_STRETCH) return null;
  return places.map((place) => ({ ...place, x: place.x * stretch, y: place.y * stretch }));
}

// How far the graph must be stretched until no two boxes touch.
function stretchOf(places) {
  let stretch = MIN_STRETCH;
  for (let i = 0; i < places.length; i += 1) {
    for (let j = i + 1; j < places.length; j += 1) {
      const across = (WIDTH + GAP_X / 2) / Math.abs(places[i].x - places[j].x);
      const down = (HEIGHT + GAP_Y) / Math.abs(places[i].y - places[j].y);
      stretch = Math.max(stretch, Math.min(across, down));
    }
  }
  return stretch;
}

function layered(graph, narrow) {
  const layers = new Map();
  for (const [id, depth] of depths(graph)) layers.set(depth, [...(layers.get(depth) ?? []), id]);
  const inRow = narrow ? 2 : 8;
  const places = [];
  let row = 0;
  for (const depth of [...layers.keys()].sort((one, other) => one - other)) {
    const ids = layers.get(depth);
    for (let start = 0; start < ids.length; start += inRow, row += 1) {
      const part = ids.slice(start, start + inRow);
      part.forEach((id, index) => {
        const along = index - (part.length - 1) / 2;
        places.push(narrow
          ? { id, x: along * (WIDTH + 14), y: row * (HEIGHT + 40) }
          : { id, x: row * (WIDTH + GAP_X), y: along * (HEIGHT + GAP_Y) });
      });
    }
  }
  return places;
}

// The longest way from a node that nobody calls; a cycle is cut where it is entered.
function depths(graph) {
  const callees = new Map(graph.nodes.map((node) => [node.id, []]));
  const called = new Set();
  for (const edge of graph.edges) {
    if (!callees.has(edge.source) || !callees.has(edge.target)) continue;
    callees.get(edge.source).push(edge.target);
    called.add(edge.target);
  }
  const depth = new Map(graph.nodes.map((node) => [node.id, 0]));
  const order = topological([...callees.keys()], callees, called);
  for (const id of order) for (const next of callees.get(id)) {
    if (order.indexOf(next) > order.indexOf(id)) depth.set(next, Math.max(depth.get(next), depth.get(id) + 1));
  }
  return depth;
}

function topological(ids, callees, called) {
  const seen = new Set();
  const reversed = [];
  const visit = (start) => {
    const stack = [[start, 0]];
    seen.add(start);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const next = callees.get(top[0])[top[1]];
      top[1] += 1;
      if (next === undefined) reversed.push(stack.pop()[0]);
      else if (!seen.has(next)) {
        seen.add(next);
        stack.push([next, 0]);
      }
    }
  };
  for (const id of [...ids.filter((each) => !called.has(each)), ...ids]) if (!seen.has(id)) visit(id);
  return reversed.reverse();
}

function framed(places) {
  const left = Math.min(0, ...places.map((place) => place.x));
  const top = Math.min(0, ...places.map((place) => place.y));
  const leftmost = places.length ? Math.min(...places.map((place) => place.x)) : left;
  const topmost = places.length ? Math.min(...places.map((place) => place.y)) : top;
  const boxes = new Map(places.map((place) => [place.id, { x: place.x - leftmost + 4, y: place.y - topmost + 4 }]));
  const all = [...boxes.values()];
  return {
    boxes,
    width: Math.max(WIDTH, ...all.map((box) => box.x + WIDTH)) + 4,
    height: Math.max(HEIGHT, ...all.map((box) => box.y + HEIGHT)) + 4,
  };
}
