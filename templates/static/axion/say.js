// What words.js, a classic script, made: for modules.
export const { gettext, ngettext, pieces, shown, locale } = globalThis.axionWords;
