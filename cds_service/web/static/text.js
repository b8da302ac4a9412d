// Text that came over the wire, made readable without changing what it means.

const HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu;
const PUNCTUATION = /[!-/:-@[-`{-~]/;

/**
 * JSON text with characters one cannot see (controls, bidirectional marks, zero width) as escapes.
 * Such characters only occur inside strings, where the escape means the same.
 */
export function visible(json) {
  return String(json).replace(HIDDEN, (found) =>
    found.split("").map((unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0")).join(""),
  );
}

/** The value of JSON text; undefined when it is none. */
export function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export function size(text) {
  const bytes = new TextEncoder().encode(text).length;
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`;
}

/** JSON indented as text: parsing and writing it again would turn 3.0 into 3. */
export function pretty(json) {
  let out = "";
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs)) {
    if (token === "}" || token === "]") {
      depth = Math.max(0, depth - 1);
      out += /[{[]$/.test(out) ? token : line() + token;
      continue;
    }
    if (/[{[]$/.test(out)) out += line();
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    if (token === ",") out += line();
  }
  return visible(out);
}

/** Markdown to nodes: paragraphs, **bold** and backslash escapes; all else is plain text. */
export function markdown(source) {
  const made = document.createDocumentFragment();
  for (const block of String(source).split(/\n[ \t]*\n/)) {
    if (!block.trim()) continue;
    const paragraph = document.createElement("p");
    paragraph.dir = "auto";
    const pieces = inline(block.trim());
    paragraph.append(...pieces);
    if (pieces[0] instanceof Element) paragraph.className = "labelled";
    made.append(paragraph);
  }
  return made;
}

function inline(block) {
  const runs = [""]; // even places plain, odd places bold
  for (let at = 0; at < block.length; at += 1) {
    if (block[at] === "\\" && PUNCTUATION.test(block[at + 1] ?? "")) {
      at += 1;
      runs[runs.length - 1] += block[at];
    } else if (block.startsWith("**", at)) {
      at += 1;
      runs.push("");
    } else {
      runs[runs.length - 1] += /\s/.test(block[at]) ? " " : block[at];
    }
  }
  if (runs.length % 2 === 0) {
    const open = runs.pop(); // a bold that is never closed is two asterisks
    runs[runs.length - 1] += "**" + open;
  }
  return runs
    .map((run, place) => {
      if (place % 2 === 0) return document.createTextNode(run);
      const strong = document.createElement("strong");
      strong.textContent = run;
      return strong;
    })
    .filter((node) => node.textContent);
}
