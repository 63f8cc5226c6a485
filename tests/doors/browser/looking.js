// What is wrong with the page as it is now, in words; run in the page by its test. `tones`: also the contrast of our own parts.
async (tones) => {
  const settled = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await settled();
  const wrong = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`it is ${wide} wide in a window of ${innerWidth}`);
  const log = document.getElementById("ax-log");
  if (log && log.scrollHeight - log.scrollTop - log.clientHeight > 40) wrong.push("its log does not show its end");
  const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const named = (element) => `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className} "${element.textContent.trim().slice(0, 30)}"`;

  const clipped = (element) => {
    for (let box = element.parentElement; box; box = box.parentElement) if (getComputedStyle(box).overflowX !== "visible") return true;
    return false;
  };
  // Of many alike, as the lines of a log, a few stand for all.
  const inside = (box) => [...box.children].slice(0, 20).flatMap((child) => [child, ...inside(child)]);
  const own = [...document.querySelectorAll(".ax")].flatMap(inside).filter(seen);
  for (const element of own) {
    if (element.getBoundingClientRect().right > innerWidth + 1 && !clipped(element)) wrong.push(`${named(element)} stands out of the window`);
  }
  if (!tones) return wrong.slice(0, 5);

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let box = element; box; box = box.parentElement) {
      const found = colour(getComputedStyle(box).backgroundColor);
      if (found[3] > 250) return found;
    }
    return colour(getComputedStyle(document.documentElement).colorScheme === "dark" ? "black" : "white");
  };
  const told = new Set();
  for (const element of own) {
    const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!says || element.closest("svg, button:disabled, .ax-icon")) continue;
    const [one, other] = [light(colour(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const key = `${element.tagName}.${element.className}`;
    if (ratio < 4.5 && !told.has(key)) wrong.push(`${named(element)} has a contrast of ${ratio.toFixed(1)}`);
    told.add(key);
  }
  return wrong.slice(0, 5);
}
