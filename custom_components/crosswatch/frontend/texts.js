/** The card's own texts. What comes from Home Assistant is in the reader's language already. */

/** Languages that have a file in texts/. */
const LANGUAGES = ["en"];
const FALLBACK = "en";
const files = new Map();

const nameOf = (language) =>
  [language, String(language).split("-")[0]].find((name) => LANGUAGES.includes(name)) || FALLBACK;

/** Load the texts of a language, else the English ones. */
export const loadTexts = (language) => {
  const name = nameOf(language);
  if (!files.has(name)) files.set(name, load(name));
  return files.get(name);
};

const load = async (name) => {
  const answer = await fetch(new URL(`./texts/${name}.json`, import.meta.url));
  if (!answer.ok) {
    files.delete(name);
    throw new Error(`CrossWatch: the texts could not be loaded (${answer.status})`);
  }
  return new Texts(name, await answer.json());
};

/** Texts by key. A text with plural forms chooses by its value `n`. */
class Texts {
  constructor(language, texts) {
    this.language = language;
    this._texts = texts;
    this._plural = new Intl.PluralRules(language);
  }

  /** The text of a key such as `runs.title`, its {placeholders} filled in. */
  get(key, values = {}) {
    let text = key.split(".").reduce((part, name) => part && part[name], this._texts);
    if (text && typeof text === "object") text = text[this._plural.select(values.n)] || text.other;
    if (text === undefined) return key;
    return text.replace(/\{(\w+)\}/g, (_match, name) => String(values[`${name}_text`] ?? values[name] ?? ""));
  }
}
