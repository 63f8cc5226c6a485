// Building elements. Text always goes in as text, so nothing that a service prints can become markup.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const icon = (name) => h("span", { class: "ax-icon", "aria-hidden": "true" }, name);

export const byId = (id) => document.getElementById(id);

export const readState = () => JSON.parse(byId("ax-state").textContent);

// Show new children only when they differ, so that focus, selection and animations stay.
export function show(container, ...children) {
  const next = h("div", {}, ...children);
  if (container.innerHTML !== next.innerHTML) container.replaceChildren(...next.childNodes);
}

// A piece of the page that our own server made, where everything foreign is escaped already.
export function put(container, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  container.replaceChildren(template.content);
}

// At most one call per `pause`, and always one after the last request.
export function paced(work, pause = 100) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, pause);
  };
}

// A form of the page posts with the token that Django put into it.
export function postForm(address, token, ...children) {
  return h("form", { method: "post", action: address },
    h("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token }), ...children);
}

export const csrfToken = () => document.querySelector("#ax-csrf input")?.value ?? "";
