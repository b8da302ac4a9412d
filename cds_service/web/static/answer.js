// What the service answered: cards, no card, or a failure; the body as it came, and the rules.
// Each drawing returns a few words for the status line.

import { drawCard } from "./card.js";
import { byId, code, el, plural } from "./dom.js";
import { drawRules } from "./rules.js";
import { parsed, pretty, size, visible } from "./text.js";

const EVALUATION = "org.heavylegs.evaluation";
const LONGEST = 4000; // characters of a body that is no OperationOutcome

/** Draw a response body; `request` is what was sent to `service`. */
export function drawAnswer(text, service, request) {
  const answer = parsed(text);
  const cards = Array.isArray(answer?.cards) ? answer.cards : [];
  const evaluation = answer?.extension?.[EVALUATION];
  const call = { service, orders: draftOrders(request) };
  const drawn = cards.map((card, at) => drawCard(card, at + 1, call));
  byId("cards").replaceChildren(...(drawn.length ? drawn : [noCard(evaluation ?? [])]));
  drawBody(text);
  drawRules(evaluation, cards);
  return plural(cards.length, "card");
}

/** Draw what came instead of cards; status 0: nothing came. */
export function drawFailure(status, text) {
  const outcome = parsed(text);
  const issues = outcome?.resourceType === "OperationOutcome" ? (outcome.issue ?? []) : [];
  byId("cards").replaceChildren(
    el(
      "div",
      { class: "failure", role: "alert" },
      el("p", { class: "summary" }, status ? `The service answered ${status}` : "The service did not answer"),
      ...issues.map(issueLine),
      issues.length || !text ? null : code("Answer", visible(text.slice(0, LONGEST))),
    ),
  );
  drawBody(text);
  drawRules(undefined, []);
  return issues.length ? "OperationOutcome" : "";
}

function issueLine(issue) {
  return el(
    "p",
    { class: "issue" },
    el("code", {}, [issue.severity, issue.code].filter(Boolean).join(", ")),
    el("span", {}, visible(issue.diagnostics ?? issue.details?.text ?? "")),
    issue.expression?.length ? el("code", {}, visible(issue.expression.join(", "))) : null,
  );
}

function noCard(evaluation) {
  const kept = evaluation.filter((line) => line.outcome === "fires" && line.shown !== "card").length;
  const open = evaluation.filter((line) => line.outcome === "unknown").length;
  const counts = [
    kept ? `Kept back, with the reason in the table: ${plural(kept, "rule")}.` : "",
    open ? `Not decided, for want of facts: ${plural(open, "rule")}.` : "",
  ].filter(Boolean);
  return el(
    "div",
    { class: "empty" },
    el("p", { class: "summary" }, "No card"),
    el(
      "p",
      {},
      "The service has nothing to say here. That is an answer, not an error: ",
      "the table below gives the reason for every rule.",
    ),
    counts.length ? el("p", {}, counts.join(" ")) : null,
  );
}

/** Reference → order being placed, for the suggestions that remove one. */
function draftOrders(request) {
  const resources = (request?.context?.draftOrders?.entry ?? []).map((entry) => entry.resource ?? {});
  return new Map(resources.map((one) => [`${one.resourceType}/${one.id}`, one]));
}

function drawBody(text) {
  byId("response").textContent = pretty(text);
  byId("response-size").textContent = size(text);
}
