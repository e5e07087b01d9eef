// A chart of an answer: what kind, over what, how much of what. The server draws it, as it draws those of all pages.
import { element } from "./elements.js";
import { isNumber } from "./result-grid.js";

const KINDS = [["bars", "Bars"], ["line", "Line"]];

/** Three choices, the likeliest made already, and a button. `draw({kind, x, y, width})` gives the text of a figure, or null. */
export function offerChart(place, { columns, rows }, draw) {
  const numbers = columns.filter(isNumber);
  if (!numbers.length || rows.length < 2) return place.replaceChildren();
  const x = columns.find((column) => !isNumber(column)) ?? columns[0];
  const y = numbers.findLast((column) => column !== x) ?? numbers[0]; // what is counted stands last in most queries
  const names = (some) => some.map(({ name }) => [name, name]);
  const choices = {
    kind: select("chart-kind", KINDS, ["date", "timestamp"].includes(x.type) ? "line" : "bars"),
    x: select("chart-x", names(columns), x.name),
    y: select("chart-y", names(numbers), y.name),
  };
  const drawn = element("div", { class: "drawn" });
  const labels = { kind: "Chart", x: "over", y: "of" };
  const fields = Object.entries(choices).flatMap(([name, field]) =>
    [element("label", { for: field.id }, labels[name]), field]);
  const form = element("form", { class: "chart-choices" }, ...fields, element("button", {}, "Draw"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = Object.fromEntries(Object.entries(choices).map(([name, { value }]) => [name, value]));
    const text = await draw({ ...wanted, width: drawn.clientWidth });
    if (text) drawn.replaceChildren(...parsed(text));
  });
  place.replaceChildren(form, drawn);
}

function select(id, options, chosen) {
  const made = options.map(([value, words]) => new Option(words, value, false, value === chosen));
  return element("select", { id }, ...made);
}

/** The server escapes what it draws, and the page's policy runs no script that stands in it. */
function parsed(text) {
  return new DOMParser().parseFromString(text, "text/html").body.childNodes;
}
