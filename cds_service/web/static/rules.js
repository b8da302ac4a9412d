// The table of every rule: what became of it for this request, why, and what it misses.

import { button, byId, el, plural } from "./dom.js";

const BASIS = "org.heavylegs.basis";
const OUTCOMES = { fires: "Fires", unknown: "Unknown", silent: "Silent", failed: "Failed" };
const FIRST = ["failed", "fires", "unknown", "silent"];
const MOST_MISSING = 4;

let words = { rules: {}, facts: {} };
let lines = [];
let chosen = "all";

/** What identifiers are called: `{rules: {id: {title, status}}, facts: {name: label}}`. */
export function name(titles) {
  words = titles;
}

/** Draw the evaluation of a response, if it has one; `cards` are its cards, in order. */
export function drawRules(evaluation, cards) {
  lines = (evaluation ?? []).map((line) => ({ ...line, card: cardOf(line, cards) }));
  if (evaluation) lines.push(...notEvaluated());
  lines.sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  byId("rules-note").textContent = evaluation
    ? "Unknown is a result: what arrived does not decide the rule, and the last column says what would."
    : "There is no evaluation in this response.";
  byId("rules").hidden = !evaluation;
  byId("filters").hidden = !evaluation;
  draw();
}

function draw() {
  drawFilters();
  const rows = lines.filter((line) => chosen === "all" || line.outcome === chosen).map(row);
  if (!rows.length) rows.push(el("tr", {}, el("td", { colspan: "5" }, "No rule has this outcome here.")));
  byId("rules").tBodies[0].replaceChildren(...rows);
}

/** Rules of the rule base that the evaluation does not name: retired ones. */
function notEvaluated() {
  const named = new Set(lines.map((line) => line.id));
  return Object.entries(words.rules)
    .filter(([id]) => !named.has(id))
    .map(([id, { status }]) => ({ id, outcome: "silent", shown: "not-assessed", reason: status }));
}

function rank(line) {
  return FIRST.indexOf(line.outcome) * 2 + (line.shown === "not-this-hook" ? 1 : 0);
}

/** The card that a rule's finding is in, and what that card rests on. */
function cardOf(line, cards) {
  const at = cards.findIndex((card) => {
    const basis = card.extension?.[BASIS];
    const sameSide = !line.side || !basis?.side || basis.side === line.side;
    return sameSide && basis?.rules?.some((rule) => rule.id === line.id);
  });
  return at < 0 ? undefined : { place: at + 1, facts: cards[at].extension[BASIS].facts ?? [] };
}

// --- filter --------------------------------------------------------------------------------------

function drawFilters() {
  const group = byId("filters");
  const focused = group.contains(document.activeElement);
  const counts = { all: lines.length, fires: 0, unknown: 0, silent: 0 };
  for (const { outcome } of lines) counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (!(chosen in counts)) chosen = "all";
  group.replaceChildren(
    ...Object.entries(counts).map(([outcome, count]) =>
      button(OUTCOMES[outcome] ?? "All", () => choose(outcome), {
        "data-outcome": outcome,
        "data-count": String(count),
        "aria-pressed": String(outcome === chosen),
      }),
    ),
  );
  for (const one of group.children) one.append(el("span", { class: "count" }, one.dataset.count));
  if (focused) group.querySelector(`[data-outcome="${chosen}"]`).focus();
}

function choose(outcome) {
  chosen = outcome;
  draw();
}

// --- one line ------------------------------------------------------------------------------------

function row(line) {
  return el(
    "tr",
    { "data-rule": line.id, "data-outcome": line.outcome, "data-shown": line.shown },
    el(
      "th",
      { scope: "row" },
      el("code", {}, line.id),
      line.version ? el("span", { class: "quiet" }, ` v${line.version}`) : null,
      el("span", { class: "title" }, words.rules[line.id]?.title ?? ""),
    ),
    cell(
      "Outcome",
      el("span", { class: "outcome" }, OUTCOMES[line.outcome] ?? line.outcome),
      line.side ? el("span", { class: "quiet" }, ` ${line.side}`) : null,
    ),
    cell("Shown", shown(line)),
    cell("Why", why(line)),
    cell("Missing", ...missing(line.missing ?? [])),
  );
}

function cell(label, ...content) {
  const kept = content.filter(Boolean);
  return el("td", { "data-label": label }, ...(kept.length ? [el("div", {}, ...kept)] : []));
}

function shown(line) {
  if (line.shown === "nothing") return "";
  if (!line.card) return spoken(line.shown ?? "");
  return button(`${spoken(line.shown)} ${line.card.place}`, () => goTo(line.card.place), { class: "link" });
}

function goTo(place) {
  const card = document.querySelectorAll("#cards .card")[place - 1];
  card?.scrollIntoView({ block: "start" });
  card?.focus({ preventScroll: true });
}

function why(line) {
  if (line.shown === "card" && line.outcome === "unknown") return "its card asks for what is missing";
  if (line.shown === "card" && line.card) return factList(line.card.facts);
  if (line.shown === "not-this-hook") return "listens to another hook";
  const reason = line.reason ?? "";
  const other = words.rules[reason]; // it yields to that rule, or is merged into it
  return other ? `${other.title} speaks for it` : (words.facts[reason] ?? spoken(reason));
}

function factList(facts) {
  const told = [...new Set(facts.map(fact))];
  return el("ul", {}, ...told.map((one) => el("li", {}, one)));
}

/** `potassium below 2.5 mmol/L: 2.4 mmol/L, 2026-11-22` */
function fact({ name: called, value, unit, date }) {
  const label = words.facts[called] ?? spoken(called);
  const measured = [value, unit].filter(Boolean).join(" ");
  const told = measured && measured.toLowerCase() !== label.toLowerCase() ? `: ${measured}` : "";
  return `${label}${told}${date ? `, ${date.slice(0, 10)}` : ""}`;
}

function missing(names) {
  const labels = names.map((one) => words.facts[one] ?? spoken(one));
  if (labels.length <= MOST_MISSING + 1) return [labels.join("; ")];
  const rest = labels.slice(MOST_MISSING);
  const more = button(`and ${plural(rest.length, "more fact")}`, unfold, { class: "link" });
  function unfold() {
    more.replaceWith(rest.join("; "));
  }
  return [`${labels.slice(0, MOST_MISSING).join("; ")}; `, more];
}

const spoken = (code) => code.replaceAll("-", " ");
