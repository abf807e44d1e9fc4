// Copy buttons, and the table of all trials: sorted, filtered, and a curve for each.
// Without this script the page shows the first trials as a plain table.
"use strict";

const STEP = 100; // rows at first, and rows that each click adds

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// ── Copying ────────────────────────────────────────────────────────────────────────────────────

function selectAll(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

// Not by navigator.clipboard: MLflow shows this page in a frame that may not use it.
function copy(source, button) {
  selectAll(source);
  button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy"; }, 3000);
}

function copyButton(source) {
  const button = element("button", { type: "button", class: "small copy" }, "Copy");
  button.addEventListener("click", () => copy(source, button));
  return button;
}

for (const source of document.querySelectorAll("pre[data-copy]")) {
  source.previousElementSibling.append(copyButton(source));
}

// ── A trial's curve ────────────────────────────────────────────────────────────────────────────

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 460, HIGH = 230, LEFT = 44, RIGHT = 76, TOP = 12, BOTTOM = 34;

function drawn(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// Round steps between two numbers, about four of them.
function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, n) => Number(((first + n) * step).toPrecision(6)));
}

function axes(svg, x, y, first, last, low, high) {
  const wide = { class: "grid", x1: LEFT, x2: WIDE - RIGHT };
  for (const value of ticks(low, high)) {
    svg.append(drawn("line", { ...wide, y1: y(value), y2: y(value) }));
    svg.append(drawn("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, value));
  }
  const epochs = last > first ? ticks(first, last).filter(Number.isInteger) : [first];
  for (const epoch of new Set([first, ...epochs])) {
    svg.append(drawn("text", { x: x(epoch), y: HIGH - BOTTOM + 15, "text-anchor": "middle" }, epoch));
  }
  svg.append(drawn("text", { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 4, "text-anchor": "middle" }, "epoch"));
}

function series(svg, points, place, name, x, y) {
  const known = points.filter((point) => point[place] !== null);
  if (!known.length) return null;
  const path = known.map((point) => `${x(point[0])},${y(point[place])}`).join(" ");
  svg.append(drawn("polyline", { class: `line ${name}`, points: path }));
  for (const point of known.length > 30 ? known.slice(-1) : known) {
    const dot = drawn("circle", { class: name, cx: x(point[0]), cy: y(point[place]), r: 2.6 });
    dot.append(drawn("title", {}, `epoch ${point[0]}: ${name} loss ${point[place]}`));
    svg.append(dot);
  }
  return { name, x: x(known.at(-1)[0]) + 9, y: y(known.at(-1)[place]) + 4 };
}

function curve(points) {
  const losses = points.flatMap((point) => point.slice(1)).filter((loss) => loss !== null);
  if (!losses.length) return element("p", { class: "faint" }, "No epoch has been finished.");
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const room = 0.06 * (Math.max(...losses) - Math.min(...losses)) || 0.05;
  const [low, high] = [Math.min(...losses) - room, Math.max(...losses) + room];
  const across = WIDE - LEFT - RIGHT, down = HIGH - TOP - BOTTOM;
  const x = (epoch) => LEFT + across * (last > first ? (epoch - first) / (last - first) : 0.5);
  const y = (loss) => TOP + down * (high - loss) / (high - low);
  const svg = drawn("svg", { class: "curve", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
  axes(svg, x, y, first, last, low, high);
  const ends = [series(svg, points, 1, "training", x, y), series(svg, points, 2, "validation", x, y)]
    .filter(Boolean).sort((one, other) => one.y - other.y);
  if (ends.length > 1) ends[1].y = Math.max(ends[1].y, ends[0].y + 13);
  for (const end of ends) svg.append(drawn("text", { x: end.x, y: end.y, class: end.name }, end.name));
  const validated = points.filter((point) => point[2] !== null);
  if (!validated.length) return element("figure", {}, svg);
  const best = validated.reduce((one, other) => (other[2] < one[2] ? other : one));
  svg.append(drawn("circle", { class: "lowest", cx: x(best[0]), cy: y(best[2]), r: 6 }));
  const said = `Loss in nats per image by epoch. The ring marks the lowest validation loss: ${written(best[2], 4)}, in epoch ${best[0]}.`;
  svg.setAttribute("aria-label", said);
  return element("figure", {}, svg, element("figcaption", {}, said));
}

// ── The table of all trials ────────────────────────────────────────────────────────────────────

const table = document.getElementById("trials-table");
const list = JSON.parse(document.getElementById("trials-data").textContent);
const controls = document.getElementById("trials-controls");
const [words, study, outcome] = ["trials-words", "trials-study", "trials-outcome"]
  .map((id) => document.getElementById(id));
const more = document.getElementById("trials-more");
const place = Object.fromEntries(list.columns.map((column, n) => [column.name, n]));
const trials = list.rows.map((row, n) => ({
  id: `trial-${n}`,
  row,
  open: false,
  values: list.values[n],
  curve: list.curves[n],
  study: list.studies[n],
  page: list.pages[list.studies[n]] && list.pages[list.studies[n]] + list.runs[n],
  text: [...row, list.studies[n], ...list.parameters.map((name, k) => `${name}=${list.values[n][k]}`)]
    .join(" ").toLowerCase(),
}));
const state = { by: list.by, ascending: true, shown: STEP, columns: [] };

// One study has columns for what it searched; all studies together have the configuration's name.
function columns() {
  const own = list.columns.map((column, n) => ({ ...column, value: (trial) => trial.row[n] }));
  const chosen = Object.keys(list.searched).length > 1 ? study.value : list.studies[0];
  if (!chosen) return own;
  const parameters = list.searched[chosen].map((name) => {
    const at = list.parameters.indexOf(name);
    const value = (trial) => trial.values[at];
    return { name, title: name.replaceAll("_", " "), digits: null, minor: true, value };
  });
  const kept = own.filter((column) => !["study", "run_name"].includes(column.name));
  return parameters.length ? [...kept, ...parameters] : own;
}

function written(value, digits) {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  if (digits !== null) return value.toFixed(digits);
  const small = value !== 0 && Math.abs(value) < 1e-3;
  return small ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

// Compare numbers as numbers and texts in natural order; missing values come last.
function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  const order = typeof one === "number" && typeof other === "number"
    ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true });
  return state.ascending ? order : -order;
}

function matching() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = trials.filter((trial) => (!study.value || trial.study === study.value)
    && (!outcome.value || trial.row[place.outcome] === outcome.value)
    && wanted.every((word) => trial.text.includes(word)));
  const by = state.columns.find((column) => column.name === state.by);
  return by ? found.sort((one, other) => compare(by.value(one), by.value(other))) : found;
}

function classes(column) {
  const number = trials.some((trial) => typeof column.value(trial) === "number");
  return [column.name, number && "number", column.minor && "minor"].filter(Boolean).join(" ");
}

function sortBy(column) {
  state.ascending = state.by === column.name ? !state.ascending : true;
  state.by = column.name;
  show();
}

function heading(column) {
  const button = element("button", { type: "button" }, column.title);
  button.addEventListener("click", () => sortBy(column));
  return element("th", { scope: "col", class: column.classes, "data-name": column.name }, button);
}

// Written for YAML 1.1: a number with an exponent needs a point, other texts need quotes.
function scalar(value) {
  if (typeof value === "number") return String(value).replace(/^(-?\d+)e/, "$1.0e");
  return /^(?!(true|false|yes|no|on|off|null)$)[a-z]\w*$/i.test(value) ? value : JSON.stringify(value);
}

function yamlOf(trial) {
  const known = list.parameters.map((name, k) => [name, trial.values[k]]);
  const lines = known.filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${scalar(value)}\n`);
  return lines.join("");
}

function panelOf(trial) {
  const values = element("pre", {}, yamlOf(trial));
  const title = element("div", { class: "titled" }, element("strong", {}, "Configuration"), copyButton(values));
  const link = trial.page ? [element("p", {}, element("a", { href: trial.page }, "This trial in MLflow"))] : [];
  const inside = element("div", { class: "inside" }, curve(trial.curve), element("div", {}, title, values, ...link));
  const cell = element("td", { colspan: table.tHead.rows[0].cells.length }, inside);
  return element("tr", { class: "panel", id: `${trial.id}-panel` }, cell);
}

function toggle(trial) {
  trial.open = !trial.open;
  trial.button.setAttribute("aria-expanded", trial.open);
  if (trial.open) trial.element.after(panelOf(trial));
  else document.getElementById(`${trial.id}-panel`).remove();
}

// The row of a trial; it is built once for the columns that are shown.
function rowOf(trial, shown) {
  if (trial.shown === shown) return trial.element;
  const cells = shown.map((column) => element(
    "td", { class: column.classes }, written(column.value(trial), column.digits)));
  trial.button = element("button", {
    type: "button", class: "open", "aria-expanded": trial.open, "aria-controls": `${trial.id}-panel`,
  }, trial.row[place.trial_id]);
  cells[0].replaceChildren(trial.button);
  trial.element = element("tr", {}, ...cells);
  trial.element.addEventListener("click", () => { if (!String(getSelection())) toggle(trial); });
  trial.shown = shown;
  return trial.element;
}

function show() {
  const found = matching(), some = found.slice(0, state.shown);
  for (const cell of table.tHead.rows[0].cells) {
    const sorted = cell.dataset.name === state.by;
    cell.setAttribute("aria-sort", sorted ? (state.ascending ? "ascending" : "descending") : "none");
  }
  table.tBodies[0].replaceChildren(...some.flatMap((trial) => {
    const row = rowOf(trial, state.columns);
    return trial.open ? [row, panelOf(trial)] : [row];
  }));
  document.getElementById("trials-count").textContent = `${found.length} of ${trials.length} trials`;
  more.hidden = found.length <= state.shown;
  more.textContent = `Show ${Math.min(STEP, found.length - state.shown)} more of ${found.length}`;
}

function choose() {
  state.columns = columns().map((column) => ({ ...column, classes: classes(column) }));
  table.tHead.rows[0].replaceChildren(...state.columns.map(heading));
  search();
}

function search() {
  state.shown = STEP;
  show();
}

function choices(select, all, values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  select.replaceChildren(element("option", { value: "" }, all));
  for (const [value, count] of counts) select.append(element("option", { value }, `${value} (${count})`));
  select.parentElement.hidden = counts.size < 2;
}

choices(study, "all studies", list.studies);
choices(outcome, "any", trials.map((trial) => trial.row[place.outcome]));
study.addEventListener("change", choose);
outcome.addEventListener("change", search);
words.addEventListener("input", search);
more.addEventListener("click", () => { state.shown += STEP; show(); });
table.classList.add("live");
document.getElementById("trials-rest").hidden = true;
controls.hidden = false;
choose();
