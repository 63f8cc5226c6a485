// Sentences of the scripts in the page's language: what Django's catalogue, loaded just before, has of them, and English
// for what it lacks or where it did not come. A classic script: the admin loads it on every page, before those that speak.
(() => {
  const known = globalThis.django ?? {};
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
  const gettext = (text, values = {}) => filled(known.gettext?.(text) ?? text, values);
  const counted = (one, many, count) => known.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  const ngettext = (one, many, count, values = {}) => filled(counted(one, many, count), { count, ...values });
  // A sentence with elements in it: its pieces, in the order of the language.
  const pieces = (text, elements) => gettext(text).split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
  // Times as the reader's browser writes them, where it speaks the page's language at all.
  const page = document.documentElement.lang || "en";
  const locale = navigator.languages.find((each) => each.split("-")[0] === page) ?? page;
  globalThis.axionWords = { gettext, ngettext, pieces, locale };
})();
