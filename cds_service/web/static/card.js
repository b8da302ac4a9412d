// One card as an EHR would draw it: indicator, summary, detail, source, suggestions, dismissal.

import { button, el, icon, outside } from "./dom.js";
import { draft } from "./draft.js";
import { post } from "./feedback.js";
import { markdown } from "./text.js";

const INDICATORS = {
  info: ["Information", "M10 1.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9 8.5h2v6H9zM9 5h2v2H9z"],
  warning: ["Warning", "M10 1.8 19 18H1zM9 7.5h2v5H9zM9 14h2v2H9z"],
  critical: ["Critical", "M6.4 1.5h7.2l4.9 4.9v7.2l-4.9 4.9H6.4l-4.9-4.9V6.4zM9 5h2v6.5H9zM9 13h2v2H9z"],
};
const TICK = "M7.6 15.4 2.4 10.2l1.7-1.7 3.5 3.5 8.3-8.3 1.7 1.7z";

/**
 * The element for a card.
 * `place` is its number on the page; `call` says which service it came from and which orders are drafts.
 */
export function drawCard(card, place, call) {
  const kind = Object.hasOwn(INDICATORS, card.indicator) ? card.indicator : "info";
  const [word, shape] = INDICATORS[kind];
  const heading = `card-${place}`;
  const state = el("span", { class: "state", role: "status" });
  const offers = el("div", { class: "offers" });
  const drafts = el("div", { class: "drafts" });
  const drawn = { card, call, heading, state, offers, drafts };
  offers.append(...(card.suggestions ?? []).map((suggestion) => suggestionButton(suggestion, drawn)));
  offers.append(...links(card));
  const actions = el("div", { class: "actions" }, offers);
  const article = el(
    "article",
    { class: `card ${kind}`, "aria-labelledby": heading, tabindex: "-1" },
    el("p", { class: "indicator" }, icon(shape), word, state),
    el("h3", { class: "summary", id: heading, dir: "auto" }, String(card.summary ?? "")),
    card.detail ? el("div", { class: "detail" }, markdown(card.detail)) : null,
    el("p", { class: "source" }, outside(card.source?.label ?? "not named", card.source?.url)),
    actions,
  );
  if (card.uuid) {
    const { opener, panel } = dismissal(drawn);
    actions.append(opener);
    article.append(panel);
  }
  article.append(drafts);
  return article;
}

/** Links that need no SMART launch. */
function links(card) {
  return (card.links ?? []).filter(({ type }) => type === "absolute").map(({ label, url }) => outside(label, url));
}

function suggestionButton(suggestion, { card, call, state, drafts, offers }) {
  const made = button(suggestion.label, accept, { class: "suggestion" });
  if (suggestion.isRecommended) made.classList.add("recommended");

  async function accept() {
    if (made.getAttribute("aria-disabled")) return;
    made.setAttribute("aria-disabled", "true");
    if (card.uuid && suggestion.uuid) {
      const accepted = { outcome: "accepted", acceptedSuggestions: [{ id: suggestion.uuid }] };
      const answer = await post(call.service, card, accepted);
      if (!answer.ok) {
        made.removeAttribute("aria-disabled");
        refused(state, answer);
        return;
      }
    }
    state.textContent = "Accepted";
    drafts.append(...(suggestion.actions ?? []).map((action) => draft(action, call.orders)));
    made.classList.add("accepted");
    made.prepend(icon(TICK), el("span", { class: "unseen" }, "Accepted: "));
    if (card.selectionBehavior === "at-most-one") {
      for (const other of offers.querySelectorAll(".suggestion")) other.setAttribute("aria-disabled", "true");
    }
  }

  return made;
}

function refused(state, { status }) {
  state.textContent = status ? `The feedback was refused: ${status}` : "The feedback did not arrive";
}

function dismissal({ card, call, heading, state }) {
  const reasons = card.overrideReasons ?? [];
  const field = `${heading}-reason`;
  const select = el("select", { id: field }, el("option", { value: "" }, "No reason given"));
  reasons.forEach((reason, at) => select.append(el("option", { value: String(at) }, reason.display ?? reason.code)));
  const opener = button("Dismiss", () => show(panel.hidden), { class: "dismiss", "aria-expanded": "false" });
  const panel = el(
    "div",
    { class: "dismissal", hidden: true, on: { keydown: (event) => event.key === "Escape" && show(false) } },
    el("label", { for: field }, "Reason"),
    select,
    button("Dismiss card", dismiss, { class: "primary" }),
    button("Keep it", () => show(false)),
  );

  function show(open) {
    panel.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    (open ? select : opener).focus();
  }

  async function dismiss() {
    const reason = select.value ? reasons[Number(select.value)] : undefined;
    const answer = await post(call.service, card, {
      outcome: "overridden",
      ...(reason ? { overrideReason: { reason: coding(reason) } } : {}),
    });
    if (!answer.ok) {
      refused(state, answer);
      return;
    }
    state.textContent = reason ? `Dismissed: ${reason.display ?? reason.code}` : "Dismissed";
    const article = panel.closest(".card");
    article.classList.add("dismissed");
    article.focus({ preventScroll: true });
  }

  return { opener, panel };
}

function coding(reason) {
  const { system, code, display } = reason;
  return { system, code, display };
}
