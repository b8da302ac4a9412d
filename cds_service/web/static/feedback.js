// What the user did with a card, posted as CDS Hooks feedback, and a log of it.

import { byId, code, el, plural } from "./dom.js";
import { pretty } from "./text.js";

export const MARK = { "X-Heavy-Legs-Page": "1" }; // the service's log tells the page's calls apart

let sent = 0;

/** Post one card's outcome; resolves to whether the service took it, and its status. */
export async function post(service, card, outcome) {
  const path = `cds-services/${encodeURIComponent(service)}/feedback`;
  const entry = { card: card.uuid, ...outcome, outcomeTimestamp: new Date().toISOString() };
  const body = JSON.stringify({ feedback: [entry] });
  let status = 0;
  let answer = "";
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...MARK },
      body,
    });
    status = response.status;
    answer = await response.text();
  } catch {
    answer = "The service did not answer.";
  }
  log(path, body, status, answer);
  return { ok: status >= 200 && status < 300, status };
}

function log(path, body, status, answer) {
  sent += 1;
  byId("feedback-hint").hidden = true;
  byId("feedback-count").textContent = `${plural(sent, "call")} sent`;
  byId("feedback-fold").open = true;
  byId("feedback").prepend(
    el(
      "li",
      {},
      el(
        "p",
        { class: "call" },
        el("code", {}, `POST /${path}`),
        " ",
        el("span", { class: status === 200 ? "good" : "bad" }, status ? String(status) : "no answer"),
        " ",
        el("time", { class: "quiet" }, new Date().toLocaleTimeString()),
      ),
      code("Feedback posted", pretty(body)),
      code("Answer", pretty(answer) || "(empty)"),
    ),
  );
}
