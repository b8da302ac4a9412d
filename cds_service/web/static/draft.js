// What an EHR would do when a suggestion is accepted: the draft it would place, or the one it removes.

import { el } from "./dom.js";
import { visible } from "./text.js";

export function draft(action) {
  const resource = action.resource;
  const where = resource?.resourceType ?? action.resourceId ?? "resource";
  const doing = { create: "would place this draft", update: "would replace this draft", delete: "would remove this draft" };
  const lines = resource && typeof resource === "object" ? described(resource) : [["Resource", String(action.resourceId ?? resource)]];
  const made = el(
    "section",
    { class: "draft" },
    el("p", { class: "doing" }, `The EHR ${doing[action.type] ?? "would act"}: `, el("strong", {}, where)),
    el("dl", {}, ...lines.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)])),
  );
  if (resource && typeof resource === "object") {
    made.append(
      el(
        "details",
        {},
        el("summary", {}, "FHIR resource"),
        el("pre", { class: "code", tabindex: "0", "aria-label": "FHIR resource" }, visible(JSON.stringify(resource, null, 2))),
      ),
    );
  }
  return made;
}

function described(resource) {
  const code = resource.code ?? resource.medicationCodeableConcept ?? {};
  const codings = Array.isArray(code.coding) ? code.coding : [];
  const lines = [
    ["Order", code.text],
    ["Code", codings.map((one) => [one.display, one.code].filter(Boolean).join(" ")).join("; ")],
    ["State", [resource.status, resource.intent, resource.priority].filter(Boolean).join(", ")],
    ["For", (resource.subject ?? resource.for)?.reference],
    ["Because of", (resource.reasonReference ?? []).map((one) => one.reference).join(", ")],
  ];
  return lines.filter(([, value]) => value);
}
