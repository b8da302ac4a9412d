// What an EHR would do when a suggestion is accepted: the draft it would place, or the one it removes.

import { code, el } from "./dom.js";
import { visible } from "./text.js";

const DOING = {
  create: "would place this draft",
  update: "would replace this draft",
  delete: "would remove this draft",
};

/** `orders`: reference → order being placed, for an action that only points at one. */
export function draft(action, orders) {
  const reference = action.resourceId ?? "";
  const resource = typeof action.resource === "object" ? action.resource : orders.get(reference);
  return el(
    "section",
    { class: "draft" },
    el(
      "p",
      {},
      `The EHR ${DOING[action.type] ?? "would act on"}: `,
      el("strong", {}, visible(reference || (resource?.resourceType ?? "a resource"))),
    ),
    resource ? el("dl", {}, ...described(resource).flatMap(line)) : null,
    resource ? whole(resource) : null,
  );
}

const line = ([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, visible(value))];

function whole(resource) {
  const text = visible(JSON.stringify(resource, null, 2));
  return el("details", {}, el("summary", {}, "FHIR resource"), code("FHIR resource", text));
}

function described(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? {};
  const codings = Array.isArray(concept.coding) ? concept.coding : [];
  const lines = [
    ["Order", concept.text],
    ["Code", codings.map((one) => [one.display, one.code].filter(Boolean).join(" ")).join("; ")],
    ["State", [resource.status, resource.intent, resource.priority].filter(Boolean).join(", ")],
    ["For", (resource.subject ?? resource.for)?.reference],
    ["Because of", (resource.reasonReference ?? []).map((one) => one.reference).join(", ")],
  ];
  return lines.filter(([, value]) => value);
}
