/**
 * Lit, as Home Assistant shares it with cards: its own elements are Lit elements, and their common
 * ancestor carries `html` and `css`.
 */
let ancestor = customElements.get("home-assistant") || customElements.get("hc-main");
while (ancestor && !(ancestor.prototype && Object.hasOwn(ancestor.prototype, "html"))) {
  ancestor = Object.getPrototypeOf(ancestor);
}
if (!ancestor) throw new Error("CrossWatch: this version of Home Assistant does not share Lit with cards");

export const LitElement = ancestor;
export const { html, css } = ancestor.prototype;
