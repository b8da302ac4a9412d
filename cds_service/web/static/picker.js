// The hook and the patient to choose: links, so that each choice has an address.

import { byId, el, plural } from "./dom.js";
import { visible } from "./text.js";

const NARROW = window.matchMedia("(max-width: 60rem)");

/** The hash that stands for a choice. */
export const address = ({ patient, hook }) => `#${encodeURIComponent(patient)}/${encodeURIComponent(hook)}`;

/** Draw both lists, once: a link that has the focus keeps it. */
export function drawLists({ patients, services }) {
  byId("patients").replaceChildren(...patients.map(patientChoice));
  byId("hooks").replaceChildren(...services.map(hookChoice));
  byId("patients-toggle").addEventListener("click", () => fold(!byId("patients").hidden));
  NARROW.addEventListener("change", () => fold(true));
}

/** Mark what is chosen, and give every link its address. */
export function drawChoices(current) {
  for (const link of document.querySelectorAll(".picker a")) {
    const { patient, hook } = { ...current, ...link.dataset };
    link.href = address({ patient, hook });
    const selected = patient === current.patient && hook === current.hook;
    if (selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (selected && link.dataset.patient) inView(link, byId("patients"));
  }
  const chosen = document.querySelector("#patients [aria-current] bdi");
  byId("patient-chosen").textContent = chosen ? chosen.textContent : visible(current.patient);
  fold(true);
}

function patientChoice({ name, title, about, drafts }) {
  return el(
    "li",
    {},
    el(
      "a",
      { "data-patient": name },
      el("span", { class: "title" }, el("bdi", {}, visible(title)), el("code", { class: "quiet" }, name)),
      el("span", { class: "about", dir: "auto" }, visible(about)),
      drafts ? el("span", { class: "about" }, plural(drafts, "draft order")) : null,
    ),
  );
}

function hookChoice({ hook, title }) {
  return el(
    "li",
    {},
    el(
      "a",
      { "data-hook": hook },
      el("span", { class: "title" }, hook),
      el("span", { class: "about" }, title),
    ),
  );
}

/** Scroll the list, and only the list, to the chosen patient. */
function inView(link, list) {
  const [inner, outer] = [link.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - 8;
}

/** On a narrow screen the list of patients is folded away once one is chosen. */
function fold(away) {
  byId("patients").hidden = away && NARROW.matches;
  byId("patients-toggle").setAttribute("aria-expanded", String(!byId("patients").hidden));
  byId("patients-toggle").textContent = byId("patients").hidden ? "Change" : "Close";
}
