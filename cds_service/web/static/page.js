// The page's flow: a patient and a hook give a request; sending it gives cards. The address bar's
// hash (#patient/hook) is the state, so a link opens the same view.

import { drawCard } from "./card.js";
import { byId, el, plural } from "./dom.js";
import { MARK } from "./feedback.js";
import * as rules from "./rules.js";
import { pretty, visible } from "./text.js";

const EVALUATION = "org.heavylegs.evaluation";
const NARROW = window.matchMedia("(max-width: 60rem)");
const known = { patients: [], services: [] };
let current = { patient: "", hook: "" };
let fresh = ""; // the request as the fixture gave it
let turn = 0; // a slower, older answer never overwrites a newer one

start();

async function start() {
  try {
    const [patients, discovery, words] = await Promise.all(
      ["/demo/patients", "/cds-services", "/demo/rules"].map(async (path) => (await fetch(path)).json()),
    );
    known.patients = patients;
    known.services = discovery.services;
    rules.name(words);
    drawLists();
  } catch {
    drawFailure(0, "");
    return;
  }
  byId("send").addEventListener("click", send);
  byId("reset").addEventListener("click", load);
  byId("copy").addEventListener("click", copy);
  byId("request").addEventListener("input", drawCurl);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the hash is taken
    byId("cards-heading").focus();
  });
  window.addEventListener("hashchange", route);
  NARROW.addEventListener("change", () => fold(false));
  route();
}

function route() {
  const [patient = "", hook = ""] = location.hash.slice(1).split("/").map(decoded);
  const chosen = {
    patient: patient || known.patients[0]?.name || "",
    hook: hook || known.services[0]?.hook || "",
  };
  if (!patient || !hook) history.replaceState(null, "", address(chosen));
  const moved = chosen.patient !== current.patient;
  current = chosen;
  drawChoices();
  fold(moved);
  load();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const address = ({ patient, hook }) => `#${encodeURIComponent(patient)}/${encodeURIComponent(hook)}`;

const service = () => known.services.find((one) => one.hook === current.hook)?.id ?? current.hook;

const servicePath = () => `/cds-services/${encodeURIComponent(service())}`;

const requestPath = () => `/demo/requests/${encodeURIComponent(current.patient)}/${encodeURIComponent(current.hook)}`;

// --- choosing ------------------------------------------------------------------------------------

/** The two lists, drawn once: a link that has the focus keeps it. */
function drawLists() {
  byId("patients").replaceChildren(
    ...known.patients.map(({ name, title, about, drafts }) =>
      choice({ patient: name }, [
        el("span", { class: "title", dir: "auto" }, visible(title)),
        el("span", { class: "about", dir: "auto" }, visible(about)),
        drafts ? el("span", { class: "about" }, plural(drafts, "draft order")) : null,
      ]),
    ),
  );
  byId("hooks").replaceChildren(
    ...known.services.map(({ hook, title }) =>
      choice({ hook }, [el("span", { class: "title" }, hook), el("span", { class: "about" }, title)]),
    ),
  );
}

function choice(chooses, content) {
  const [[kind, value]] = Object.entries(chooses);
  return el("li", {}, el("a", { [`data-${kind}`]: value }, ...content));
}

function drawChoices() {
  for (const link of document.querySelectorAll(".picker a")) {
    const target = { ...current, ...link.dataset };
    link.href = address(target);
    const selected = address(target) === address(current);
    if (selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (selected && link.dataset.patient) inView(link, byId("patients"));
  }
  byId("patient-chosen").textContent = visible(chosenPatient()?.title ?? current.patient);
}

/** Scroll the list, and only the list, to the chosen patient. */
function inView(link, list) {
  const [inner, outer] = [link.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - 8;
}

const chosenPatient = () => known.patients.find((one) => one.name === current.patient);

/** On a narrow screen the list of patients folds away once one is chosen. */
function fold(chosen) {
  if (!NARROW.matches) byId("patients-fold").open = true;
  else if (chosen) byId("patients-fold").open = false;
}

// --- the request ---------------------------------------------------------------------------------

async function load() {
  const mine = ++turn;
  busy();
  let response;
  let text = "";
  try {
    response = await fetch(requestPath());
    text = await response.text();
  } catch {
    response = undefined;
  }
  if (mine !== turn) return;
  fresh = response?.ok ? visible(text) : "";
  byId("request").value = fresh;
  drawCurl();
  if (response?.ok) await send();
  else drawFailure(response?.status ?? 0, text);
}

async function send() {
  const mine = ++turn;
  const body = byId("request").value;
  drawChart(body);
  busy();
  const began = performance.now();
  let response;
  let text = "";
  try {
    response = await fetch(servicePath(), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...MARK },
      body,
    });
    text = await response.text();
  } catch {
    response = undefined;
  }
  if (mine !== turn) return;
  const took = performance.now() - began;
  const answer = parsed(text);
  if (response?.ok && Array.isArray(answer?.cards)) drawAnswer(response, answer, text, took);
  else drawFailure(response?.status ?? 0, text, took);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function drawChart(body) {
  const request = parsed(body);
  const patient = request?.prefetch?.patient;
  const named = patient?.name?.[0];
  const written = named?.text || [named?.given, named?.family].flat().filter(Boolean).join(" ");
  const [title, ...about] = String(written || current.patient).split(": ");
  byId("chart-name").textContent = visible(title);
  byId("chart-about").textContent = visible(about.join(": "));
  byId("chart-line").textContent = [
    patient?.gender,
    patient?.birthDate && `born ${patient.birthDate}`,
    `${plural(delivered(request?.prefetch), "resource")} in prefetch`,
  ]
    .filter(Boolean)
    .join(" · ");
  byId("request-line").textContent = `POST ${servicePath()}`;
  byId("request-size").textContent = size(body);
}

const delivered = (prefetch) =>
  Object.values(prefetch ?? {}).reduce((sum, one) => sum + (one?.entry?.length ?? (one && one.resourceType !== "Bundle" ? 1 : 0)), 0);

function drawCurl() {
  const body = byId("request").value;
  const edited = body !== fresh;
  const post = `curl -s ${location.origin}${servicePath()} -H 'Content-Type: application/json'`;
  let mark = "EOF";
  while (body.includes(mark)) mark += "_";
  byId("curl").textContent = edited
    ? `${post} --data-binary @- <<'${mark}'\n${body}\n${mark}`
    : `curl -s ${location.origin}${requestPath()} |\n  ${post} --data-binary @-`;
  byId("edited").textContent = edited ? "Edited." : "";
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("curl").textContent);
    byId("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(byId("curl"));
    byId("copied").textContent = "Selected: copy with the keyboard.";
  }
}

// --- the answer ----------------------------------------------------------------------------------

function busy() {
  document.body.dataset.state = "busy";
  byId("copied").textContent = "";
}

function settled(status, words, took) {
  document.body.dataset.state = status >= 200 && status < 300 ? "answered" : "failed";
  const parts = [words, took === undefined ? "" : `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`];
  byId("status").replaceChildren(
    el("strong", {}, status ? String(status) : "No answer"),
    ...parts.filter(Boolean).map((part) => el("span", {}, part)),
  );
}

function drawAnswer(response, answer, text, took) {
  const cards = answer.cards;
  const evaluation = answer.extension?.[EVALUATION];
  settled(response.status, plural(cards.length, "card"), took);
  byId("cards").replaceChildren(
    ...(cards.length ? cards.map((card, at) => drawCard(card, service(), at + 1)) : [noCard(evaluation)]),
  );
  drawResponse(text);
  rules.drawRules(evaluation, cards);
}

function noCard(evaluation) {
  const lines = evaluation ?? [];
  const kept = lines.filter((line) => line.outcome === "fires" && line.shown !== "card").length;
  const open = lines.filter((line) => line.outcome === "unknown").length;
  const more = [
    kept ? `Kept back, with the reason in the table: ${plural(kept, "rule")}.` : "",
    open ? `Not decided, for want of facts: ${plural(open, "rule")}.` : "",
  ].filter(Boolean);
  return el(
    "div",
    { class: "empty" },
    el("p", { class: "summary" }, "No card"),
    el("p", {}, "The service has nothing to say here. That is an answer, not an error: the table below gives each rule's reason."),
    more.length ? el("p", {}, more.join(" ")) : null,
  );
}

function drawFailure(status, text, took) {
  const outcome = parsed(text);
  const issues = outcome?.resourceType === "OperationOutcome" ? (outcome.issue ?? []) : [];
  settled(status, issues.length ? "OperationOutcome" : "", took);
  byId("cards").replaceChildren(
    el(
      "div",
      { class: "failure", role: "alert" },
      el("p", { class: "summary" }, status ? `The service answered ${status}` : "The service did not answer"),
      ...issues.map((issue) =>
        el(
          "p",
          { dir: "auto" },
          el("code", {}, [issue.severity, issue.code].filter(Boolean).join(", ")),
          ` ${visible(issue.diagnostics ?? issue.details?.text ?? "")}`,
          issue.expression?.length ? el("code", { class: "where" }, issue.expression.join(", ")) : null,
        ),
      ),
      issues.length || !text ? null : el("pre", { class: "code" }, visible(text.slice(0, 4000))),
    ),
  );
  drawResponse(text);
  rules.drawRules(undefined, []);
}

function drawResponse(text) {
  byId("response").textContent = pretty(text);
  byId("response-size").textContent = size(text);
}

function size(text) {
  const bytes = new TextEncoder().encode(text).length;
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`;
}
