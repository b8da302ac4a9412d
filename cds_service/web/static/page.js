// The page's flow: a hook and a patient give a request; sending it gives an answer. The address bar's
// hash (#patient/hook) is the state, so that a link opens the same view.

import { drawAnswer, drawFailure } from "./answer.js";
import { byId, el, plural } from "./dom.js";
import { MARK } from "./feedback.js";
import { address, drawChoices, drawLists } from "./picker.js";
import { name } from "./rules.js";
import { parsed, size, visible } from "./text.js";

const known = { patients: [], services: [] };
let current = { patient: "", hook: "" };
let fresh = ""; // the request as the fixture gave it
let turn = 0; // a slower, older answer never overwrites a newer one

start();

async function start() {
  byId("send").addEventListener("click", send);
  byId("reset").addEventListener("click", load);
  byId("copy").addEventListener("click", copy);
  byId("request").addEventListener("input", drawCurl);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the hash is taken
    byId("cards-heading").focus();
  });
  try {
    const paths = ["demo/patients", "cds-services", "demo/rules"];
    const [patients, discovery, words] = await Promise.all(paths.map(async (path) => (await fetch(path)).json()));
    known.patients = patients;
    known.services = discovery.services;
    name(words);
  } catch {
    drawFailure(0, "");
    settled(0, "");
    return;
  }
  drawLists(known);
  window.addEventListener("hashchange", route);
  route();
}

function route() {
  const [patient, hook] = location.hash.slice(1).split("/").map(decoded);
  current = { patient: patient || known.patients[0]?.name || "", hook: hook || known.services[0]?.hook || "" };
  if (!patient || !hook) history.replaceState(null, "", address(current));
  drawChoices(current);
  load();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const service = () => known.services.find((one) => one.hook === current.hook)?.id ?? current.hook;

const servicePath = () => `cds-services/${encodeURIComponent(service())}`;

const requestPath = () => `demo/requests/${encodeURIComponent(current.patient)}/${encodeURIComponent(current.hook)}`;

const absolute = (path) => new URL(path, document.baseURI).href;

// --- from request to answer ----------------------------------------------------------------------

async function load() {
  const mine = ++turn;
  busy();
  const { status, text } = await called(requestPath());
  if (mine !== turn) return;
  fresh = status === 200 ? visible(text) : "";
  byId("request").value = fresh;
  drawChart(fresh);
  drawCurl();
  if (status === 200) await send();
  else settled(status, drawFailure(status, text));
}

async function send() {
  const mine = ++turn;
  const body = byId("request").value;
  busy();
  drawChart(body);
  const began = performance.now();
  const { status, text } = await called(servicePath(), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...MARK },
    body,
  });
  if (mine !== turn) return;
  const took = performance.now() - began;
  settled(status, status === 200 ? drawAnswer(text, service(), parsed(body)) : drawFailure(status, text), took);
}

/** Status and text of the response; status 0 when the service cannot be reached. */
async function called(path, options) {
  try {
    const response = await fetch(path, options);
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

function busy() {
  document.body.dataset.state = "busy";
  byId("copied").textContent = "";
}

function settled(status, words, took) {
  const time = took === undefined ? "" : `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`;
  byId("status").replaceChildren(
    el("strong", {}, status ? String(status) : "No answer"),
    ...[words, time].filter(Boolean).map((part) => el("span", {}, part)),
  );
  document.body.dataset.view = address(current);
  document.body.dataset.state = status === 200 ? "answered" : "failed";
}

// --- the request ---------------------------------------------------------------------------------

function drawChart(body) {
  const request = parsed(body);
  const patient = request?.prefetch?.patient;
  const named = patient?.name?.[0];
  const written = named?.text || [named?.given, named?.family].flat().filter(Boolean).join(" ");
  const [title, ...about] = String(written || current.patient).split(": ");
  const line = [
    patient?.gender,
    patient?.birthDate && `born ${patient.birthDate}`,
    request?.prefetch && `${plural(delivered(request.prefetch), "resource")} in prefetch`,
  ];
  byId("chart-name").textContent = visible(title);
  byId("chart-about").textContent = visible(about.join(": "));
  byId("chart-line").textContent = visible(line.filter(Boolean).join(" · "));
  byId("request-line").textContent = `POST /${servicePath()}`;
  byId("request-size").textContent = size(body);
}

/** How many resources a prefetch holds: the entries of its bundles, and the single ones. */
function delivered(prefetch) {
  const counts = Object.values(prefetch).map((one) => {
    if (one?.resourceType === "Bundle") return one.entry?.length ?? 0;
    return one ? 1 : 0;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

function drawCurl() {
  const body = byId("request").value;
  const edited = body !== fresh;
  const post = `curl -s ${absolute(servicePath())} -H 'Content-Type: application/json' --data-binary @-`;
  let mark = "EOF";
  while (body.includes(mark)) mark += "_";
  byId("curl").textContent = edited
    ? `${post} <<'${mark}'\n${body}\n${mark}`
    : `curl -s ${absolute(requestPath())} |\n  ${post}`;
  byId("edited").textContent = edited ? "Edited." : "";
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("curl").textContent);
    byId("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(byId("curl"));
    byId("copied").textContent = "Selected: copy it with the keyboard.";
  }
}
