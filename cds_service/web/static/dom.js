// Elements without markup: what comes from a response or a record only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";

/** An element; `on` holds event handlers, every other property is an attribute. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "on") {
      for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

export const button = (label, click, properties = {}) =>
  el("button", { type: "button", on: { click }, ...properties }, label);

/** Text as it is written, in a box that scrolls. */
export const code = (label, text) =>
  el("pre", { class: "code", tabindex: "0", role: "group", "aria-label": label }, text);

/** A link to another site; anything but http and https stays text. */
export function outside(label, address) {
  if (!/^https?:\/\//i.test(address ?? "")) return el("span", {}, label);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** A small drawing from path data; decoration only, a word always stands beside it. */
export function icon(...paths) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("aria-hidden", "true");
  drawn.setAttribute("class", "icon");
  for (const data of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", data);
    drawn.append(path);
  }
  return drawn;
}

export const byId = (id) => document.getElementById(id);

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
