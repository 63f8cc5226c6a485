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
  // What is stored or sent in English, recognised by its source as agents/wording/recognised.py does: whole, by the values
  // in a template, or sentence by sentence, never a phrase within others' words. Rows of long ago are found as new ones are.
  const stored = known.stored ?? {};
  const FIELD_OR_BRACE = /\{\{|\{\w+(?:![rs])?(?::[^{}]*)?\}/g;
  const ONE_VALUE = /(?:\{\w+(?:![rs])?(?::[^{}]*)?\})+/g;
  const templates = Object.keys(stored)
    .map((source) => ({ source, pieces: source.split(ONE_VALUE).map((piece) => piece.replaceAll("{{", "{")), names: (source.match(ONE_VALUE) ?? []).map((each) => each.match(/\w+/)[0]) }))
    .filter(({ pieces, names }) => names.length && (pieces.join("").match(/\p{L}/gu) ?? []).length >= 5)
    .sort((one, other) => other.pieces.join("").length - one.pieces.join("").length);
  const STOP = /[.!?:;]\s*$/;
  const NAMES = /^(?:'[^']*'|\S+)(?:, (?:'[^']*'|\S+))*$/;
  const OF_OTHERS = new Set(["asked_by", "by", "cancel_requested_by", "heir", "host", "hostname", "owner", "path", "project", "project_name", "requested_by", "server", "server_name", "user", "username", "who"]);
  const SAYS = /^(?!(?:as|its|items|this) )(?:are|can|cannot|could|did|do|had|have|may|must|ran|[a-z]+(?:s|ed)) /;
  const mayHappen = (source, own) => !STOP.test(source) && (own.match(/\p{L}/gu) ?? []).length < 15;
  const isPhrase = ({ source, pieces }) => !pieces[0] && mayHappen(source, pieces.join(""));
  const valuesIn = (template, text) => {
    const { pieces, names } = template;
    if (!text.startsWith(pieces[0]) || !text.endsWith(pieces.at(-1))) return null;
    const values = {};
    let at = pieces[0].length;
    for (const [index, name] of names.entries()) {
      const piece = pieces[index + 1];
      // What is joined to a word, such as a remark, may be left out; a word of its own may not.
      const least = /\p{L}$/u.test(pieces[index]) ? 0 : 1;
      const end = index === names.length - 1 ? text.length - piece.length : text.indexOf(piece, at + least);
      if (end < at + least || (values[name] ?? text.slice(at, end)) !== text.slice(at, end)) return null;
      values[name] = text.slice(at, end);
      at = end + piece.length;
    }
    if (isPhrase(template) && !NAMES.test(values[names[0]])) return null;
    return values;
  };
  // The last of a value's sentences lost its dot where the source ends with one.
  const valueOf = (name, text, depth) => {
    if (OF_OTHERS.has(name)) return text;
    const said = recognised(text, depth);
    return said === text && text.includes(". ") ? recognised(`${text}.`, depth).replace(/\.$/, "") : said;
  };
  const one = (text, depth, phrases = true, within = false) => {
    if (Object.hasOwn(stored, text.trim()) && !(within && mayHappen(text.trim(), text))) return text.replace(text.trim(), () => stored[text.trim()]);
    for (const template of templates) {
      const values = (!phrases && isPhrase(template)) || (within && mayHappen(template.source, template.pieces.join(""))) ? null : valuesIn(template, text.trim());
      if (!values) continue;
      const words = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueOf(name, value, depth + 1)]));
      return text.replace(text.trim(), () => stored[template.source].replace(FIELD_OR_BRACE, (field) => (field === "{{" ? "{" : words[field.match(/\w+/)[0]] ?? "")));
    }
    return null;
  };
  // What follows a name, where that alone is known.
  const ofSomebody = (text, depth) => {
    const [name, ...others] = text.split(" ");
    const rest = others.join(" ");
    const bare = rest.endsWith(".") ? rest.slice(0, -1) : rest;
    const said = SAYS.test(rest) && !STOP.test(name) ? one(bare, depth, false) : null;
    return said === null ? null : `${name} ${said}${rest.slice(bare.length)}`;
  };
  // What follows a sentence; a few words without a stop are part of what was not recognised.
  const restOf = (text, depth) => (STOP.test(text) || /[.!?:;]\s/.test(text.trim()) ? recognised(text, depth) : one(text, depth + 1, true, true) ?? text);
  const whole = (text, depth) => one(text, depth) ?? ofSomebody(text, depth);
  const recognised = (text, depth = 0) => {
    if (!text || text.length > 4000 || depth > 3) return text;
    const all = whole(text, depth);
    if (all !== null) return all;
    const ends = [...text.matchAll(/(?<=[.!?:;])\s+/g)].slice(0, 12).map((match) => match.index);
    for (const end of [...ends].reverse()) {
      const first = whole(text.slice(0, end), depth);
      if (first !== null) return first + restOf(text.slice(end), depth + 1);
    }
    return ends.length ? text.slice(0, ends[0]) + restOf(text.slice(ends[0]), depth + 1) : text;
  };
  const shown = (text) => (templates.length && typeof text === "string" ? recognised(text) : text);
  globalThis.axionWords = { gettext, shown, ngettext, pieces, locale };
})();
