// What was typed is still there when the server refuses it: the page comes anew then, with the reason. Values that may be
// secret are never kept. A classic script: the admin loads it on every page.
(() => {
  const KEY = `axion-typed ${location.pathname}`;
  const KEPT = "input[type=text], input[type=number], input[type=email], input[type=search], input:not([type]), input[type=checkbox], select";
  // Neither passwords, which are inputs of another type, nor what a page calls a value.
  const SECRET = "[name=value], [autocomplete=one-time-code], [data-secret]";

  // Forms have no names: a form is known by what it sends besides.
  const markOf = (form) => [...form.elements].filter((each) => each.type === "hidden" && each.name !== "csrfmiddlewaretoken").map((each) => `${each.name}=${each.value}`).join("&")
    + ` ${[...form.querySelectorAll("button[name]")].map((each) => each.value).join()}`;
  const fieldsOf = (form) => [...form.querySelectorAll(KEPT)].filter((each) => each.name && !each.matches(SECRET));

  function keep(form) {
    const values = fieldsOf(form).map((each) => [each.name, each.type === "checkbox" ? each.checked : each.value]);
    sessionStorage.setItem(KEY, JSON.stringify({ mark: markOf(form), values }));
  }

  function giveBack() {
    const kept = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    const refused = document.querySelector(".errornote");
    refused?.setAttribute("role", "alert");
    if (!kept || !refused) return;
    const { mark, values } = JSON.parse(kept);
    const form = [...document.querySelectorAll("form")].find((each) => markOf(each) === mark);
    if (!form) return;
    const fields = fieldsOf(form);
    values.forEach(([name, value], at) => {
      const field = fields[at];
      if (field?.name !== name) return;
      if (field.type === "checkbox") field.checked = value;
      else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value)) field.value = value;
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    try {
      giveBack();
      document.addEventListener("submit", (event) => !event.defaultPrevented && event.target.method === "post" && keep(event.target));
    } catch {
      // A browser that stores nothing keeps nothing.
    }
  });
})();
