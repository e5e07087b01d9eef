// The rows of an answer as a table that can be sorted, filtered and copied. Everything received is text, never markup.
import { copied, counted, element } from "./elements.js";

const MOST_COLUMNS = 50;
const CELLS_AT_ONCE = 5000;

/** Whether a column holds numbers, by the word for its type. */
export const isNumber = ({ type }) => ["integer", "long", "double", "decimal"].includes(type);

/**
 * Shows an answer, {columns: [{name, type}], rows: [[...]]}, in a place. `say` is told what was done, in a sentence.
 *
 * The first cells are in the page at once, the others when somebody scrolls to them: all of them take seconds.
 */
export function showResult(place, { columns, rows }, say) {
  const numbers = columns.map(isNumber);
  const chosen = new Set(columns.slice(0, MOST_COLUMNS).keys());
  const sorted = { column: null, isDown: false };
  let [order, matching, drawn] = [[], [], 0];

  const head = element("tr", { "aria-rowindex": 1 });
  const body = element("tbody");
  const table = element("table", { class: "result" },
    element("caption", { class: "aloud" }, "Rows of the result"), element("thead", {}, head), body);
  const filter = element("input", { type: "search", id: "filter", autocomplete: "off", oninput: arrange });
  const left = element("span", { class: "quiet", role: "status" });
  const whole = element("input", { type: "checkbox", onchange: () => table.classList.toggle("whole", whole.checked) });
  const named = { class: "result-region", role: "region", "aria-label": "Result", tabindex: "0" };
  const region = element("div", named, table);
  region.addEventListener("scroll", () => {
    if (region.scrollTop + 2 * region.clientHeight > region.scrollHeight) drawMore();
  });

  function draw() {
    order = [...chosen].sort((one, other) => one - other);
    head.replaceChildren(...order.map(header));
    arrange();
  }

  function header(at) {
    const state = sorted.column !== at ? null : sorted.isDown ? "descending" : "ascending";
    const onclick = () => sortBy(at);
    const button = element("button", { type: "button", "data-column": at, onclick }, columns[at].name);
    const type = element("span", { class: "type" }, columns[at].type);
    return element("th", { scope: "col", "aria-sort": state, class: numbers[at] && "number" }, button, type);
  }

  /** Upwards, then downwards, then as the query gave them again. */
  function sortBy(at) {
    if (sorted.column !== at) Object.assign(sorted, { column: at, isDown: false });
    else if (!sorted.isDown) sorted.isDown = true;
    else sorted.column = null;
    draw();
    head.querySelector(`[data-column="${at}"]`).focus();
  }

  /** Draws anew the rows of which a column that is shown holds the filter's text, sorted. */
  function arrange() {
    const wanted = filter.value.trim().toLowerCase();
    const { column, isDown } = sorted;
    matching = rows.filter((row) => order.some((at) => written(row[at]).toLowerCase().includes(wanted)));
    if (column !== null) matching.sort((one, other) => compared(one[column], other[column], numbers[column], isDown));
    left.textContent = wanted ? `${matching.length.toLocaleString("en-GB")} of ${counted(rows.length, "row")}` : "";
    table.setAttribute("aria-rowcount", matching.length + 1);
    body.replaceChildren();
    drawn = 0;
    drawMore();
  }

  function drawMore() {
    const next = matching.slice(drawn, drawn + Math.max(50, Math.ceil(CELLS_AT_ONCE / order.length)));
    body.append(...next.map((row, place) => element("tr", { "aria-rowindex": drawn + place + 2 },
      ...order.map((at) => cell(row[at], numbers[at])))));
    drawn += next.length;
  }

  /** Every row that the filter leaves, as spreadsheets take it: tabs between, quotes around what holds one. */
  async function copy() {
    const all = [order.map((at) => columns[at].name), ...matching.map((row) => order.map((at) => row[at]))];
    const text = all.map((row) => row.map(tabbed).join("\t")).join("\n");
    say(await copied(text, `Copied ${counted(matching.length, "row")}, with the names of the columns above them.`));
  }

  function pick(at, isWanted) {
    if (isWanted) chosen.add(at);
    else chosen.delete(at);
    draw();
  }

  draw();
  const tools = element("div", { class: "result-tools" },
    element("label", { for: "filter" }, "Filter these rows"), filter, left,
    element("label", { class: "tick" }, whole, "Long texts whole"),
    element("button", { type: "button", id: "copy", onclick: copy }, "Copy for a spreadsheet"));
  place.replaceChildren(tools, ...(columns.length > MOST_COLUMNS ? [picker(columns, chosen, pick)] : []), region);
}

function picker(columns, chosen, pick) {
  const summary = element("summary");
  const recount = () => summary.replaceChildren(`${chosen.size} of ${columns.length} columns are shown: choose others`);
  const ticks = columns.map(({ name }, at) => {
    const tick = element("input", { type: "checkbox", checked: chosen.has(at) });
    tick.addEventListener("change", () => {
      pick(at, tick.checked);
      recount();
    });
    return element("label", { class: "tick", "data-name": name.toLowerCase() }, tick, name);
  });
  const search = element("input", { type: "search", id: "columns-filter", autocomplete: "off" });
  search.addEventListener("input", () => {
    for (const tick of ticks) tick.hidden = !tick.dataset.name.includes(search.value.trim().toLowerCase());
  });
  recount();
  const legend = element("legend", { class: "aloud" }, "Columns that are shown");
  const label = element("label", { for: "columns-filter" }, "Find a column");
  return element("details", { class: "columns" }, summary, label, " ", search, element("fieldset", {}, legend, ...ticks));
}

function cell(value, isNumber) {
  const made = element("td", { class: isNumber && "number" }, value === null ? "null" : written(value));
  made.classList.toggle("null", value === null);
  return made;
}

/** A value as it is read: texts and numbers as they are; what else JSON has, as JSON. */
function written(value) {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function tabbed(value) {
  const text = written(value);
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const collator = new Intl.Collator("en-GB");

/** Nulls come last both ways. Numbers with more digits than JavaScript has come as texts, and count as numbers. */
function compared(one, other, areNumbers, isDown) {
  if (one === null || other === null) return (one === null) - (other === null);
  const apart = areNumbers ? Number(one) - Number(other) : 0;
  return (isDown ? -1 : 1) * (apart || collator.compare(written(one), written(other)));
}
