// What script adds to Planlake's pages; each of them is whole without it. Nothing here asks the network.
"use strict";

const say = (text) => { document.getElementById("said").textContent = text; };
const plural = (count, word) => `${count}\u00a0${word}${count === 1 ? "" : "s"}`;

function age(then) {
  const minutes = (Date.now() - Date.parse(then)) / 60000;
  if (minutes < 1) return "just now";
  if (minutes < 90) return `${plural(Math.round(minutes), "minute")} ago`;
  if (minutes < 48 * 60) return `${plural(Math.round(minutes / 60), "hour")} ago`;
  return `${plural(Math.floor(minutes / 1440), "day")} ago`;
}

// A file cannot know that it is old: from a day on, the page says so itself.
function tellAge() {
  const root = document.documentElement, made = root.dataset.madeAt, banner = document.querySelector(".stale");
  if (root.dataset.live !== undefined || !made || !banner) return;
  for (const time of document.querySelectorAll("time[data-age]")) time.textContent = age(time.dateTime);
  if (Date.now() - Date.parse(made) < 26 * 3600000) return;
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "Europe/London" });
  banner.textContent = `These pages are from ${day.format(new Date(made))}, ${age(made)}. “Today” on them is that day.`;
  banner.hidden = false;
}

function addCopying() {
  if (!navigator.clipboard && !document.execCommand) return;
  for (const command of document.querySelectorAll(".command")) {
    const text = command.querySelector("code").textContent, button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${text}`);
    button.addEventListener("click", () => copy(text).then(
      () => { button.textContent = "Copied"; say("Copied"); setTimeout(() => { button.textContent = "Copy"; }, 2000); },
      () => say("The browser does not allow copying; select the command instead")));
    command.append(button);
  }
}

// The clipboard is for pages with an address alone; a page from a disk copies what is selected.
function copy(text) {
  if (window.isSecureContext && navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done ? Promise.resolve() : Promise.reject(new Error("refused"));
}

// A calendar is one stop of Tab; arrows go by day and table, Enter opens the day on the table's page.
function addArrows(table) {
  const all = [...table.tBodies[0].rows].map((row) => [...row.cells].filter((cell) => cell.tagName === "TD"));
  const shown = () => all.filter((row) => !row[0].parentElement.hidden);
  const days = [...table.tHead.rows].at(-1).cells;
  const line = table.closest(".region").previousElementSibling;
  const place = (cell) => { const y = shown().findIndex((row) => row.includes(cell)); return [y, shown()[y].indexOf(cell)]; };
  const head = (cell) => cell.parentElement.querySelector("th");
  const tell = (cell) => {
    const day = days[cell.cellIndex], words = cell.textContent.trim();
    if (words) line.textContent = day.abbr ? `${head(cell).textContent.trim()}, ${day.abbr}: ${words}` : words;
  };
  table.setAttribute("role", "grid");
  table.setAttribute("aria-readonly", "true");
  all.flat().forEach((cell) => { cell.tabIndex = -1; });
  let stop = all[0].at(-1);
  const stopAt = (cell) => { stop.tabIndex = -1; stop = cell; stop.tabIndex = 0; };
  stopAt(stop);
  document.addEventListener("filtered", () => { if (stop.parentElement.hidden && shown().length) stopAt(shown()[0].at(-1)); });
  const go = (y, x) => {
    const rows = shown(), row = rows[Math.max(0, Math.min(rows.length - 1, y))];
    row[Math.max(0, Math.min(row.length - 1, x))].focus();
  };
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    stopAt(cell);
    tell(cell);
  });
  table.addEventListener("pointerover", (event) => { const cell = event.target.closest("tbody td"); if (cell) tell(cell); });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.altKey || event.metaKey) return;
    const [y, x] = place(cell), far = event.ctrlKey, rows = shown();
    const moves = {
      ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x],
      Home: [far ? 0 : y, 0], End: [far ? rows.length : y, rows[y].length], PageUp: [y - 10, x], PageDown: [y + 10, x],
    };
    const link = head(cell).querySelector("a"), day = days[cell.cellIndex].dataset.day;
    if (event.key === "Enter" && link && day) location.href = `${link.href}#d-${day}`;
    else if (moves[event.key]) go(...moves[event.key]);
    else return;
    event.preventDefault();
  });
  const region = table.closest(".region");
  region.scrollLeft = region.scrollWidth;
}

tellAge();
addCopying();
for (const table of document.querySelectorAll("table[data-calendar]")) if (table.tBodies[0].rows.length) addArrows(table);

// The catalogue's search. Its index is a script beside the pages, loaded once the box has the focus.
let index = null;
const waiting = [];
window.planlakeFound = (rows) => {
  const isModel = (place) => place.startsWith("catalogue.html#m-");
  const [models, others] = [true, false].map((which) => new Set(rows.filter((row) => isModel(row[4]) === which).map(([table]) => table)));
  const zone = (table, place) => models.has(table) && others.has(table) ? `, ${isModel(place) ? "trusted" : "refined"} zone` : "";
  index = rows.map(([table, column, type, meaning, place, personal]) => ({
    table: table + zone(table, place), column, type, meaning, place, personal: Boolean(personal),
    name: (column || table).toLowerCase(), said: `${table} ${meaning}`.toLowerCase(),
  }));
  waiting.splice(0).forEach((one) => one());
};

function loadIndex(address, then) {
  if (index) { then(); return; }
  waiting.push(then);
  if (waiting.length > 1) return;
  const script = document.createElement("script");
  script.src = address;
  document.head.append(script);
}

// Exact names first, then names that begin so, then words that do, then names that hold it or all its words, then meanings.
const BY_MEANING = 5;
function rank(one, text) {
  const name = text.replace(/\s+/g, "_"), words = text.split(/[\s_]+/).filter(Boolean);
  if (one.name === name) return 0;
  if (one.name.startsWith(name)) return 1;
  const own = one.name.split(/[^\p{L}\p{N}]+/u), begins = (some) => words.every((word) => some.some((other) => other.startsWith(word)));
  if (own.some((word) => word.startsWith(name))) return 2;
  if (one.name.includes(name)) return 3;
  if (begins(own)) return 4;
  return begins([...own, ...one.said.split(/[^\p{L}\p{N}]+/u)]) ? BY_MEANING : 9;
}

const isHere = (one) => one.place.startsWith("tables/") || one.place.startsWith("catalogue.html#m-"); // and loaded
const MOST_FOUND = 200;
function find(text, only) {
  const found = [];
  for (const one of index) {
    if ((only.column && !one.column) || (only.personal && !one.personal)) continue;
    const place = rank(one, text);
    if (place < 9) found.push([place, one]);
  }
  found.sort((a, b) => a[0] - b[0] || isHere(b[1]) - isHere(a[1]) || (a[1].column !== "") - (b[1].column !== "") || a[1].name.length - b[1].name.length);
  const groups = new Map();
  for (const [place, one] of found.slice(0, MOST_FOUND)) {
    const group = place < BY_MEANING ? one.table : `${one.table}, by meaning`;
    groups.set(group, [...(groups.get(group) || []), one]);
  }
  return [found.length, groups];
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function addSearch(box) {
  const input = box.querySelector("input[role=combobox]"), list = box.querySelector(".found"), count = box.querySelector(".count");
  const boxes = [...box.querySelectorAll("[data-only]")];
  let chosen = -1;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); choose(-1); };
  const choose = (place) => {
    const all = options();
    all[chosen]?.setAttribute("aria-selected", "false");
    chosen = all.length ? Math.max(-1, Math.min(all.length - 1, place)) : -1;
    const one = all[chosen];
    if (!one) { input.removeAttribute("aria-activedescendant"); return; }
    one.setAttribute("aria-selected", "true");
    one.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", one.id);
  };
  const show = () => {
    const text = input.value.trim().toLowerCase();
    chosen = -1;
    list.replaceChildren();
    if (!text || !index) { count.textContent = text ? "Loading" : ""; close(); return; }
    const only = Object.fromEntries(boxes.map((one) => [one.dataset.only, one.checked]));
    const [number, groups] = find(text, only);
    let made = 0;
    for (const [table, found] of groups) {
      const group = element("div", "", { role: "group", "aria-label": table });
      if (found.some((one) => one.column)) group.append(element("span", table, { "aria-hidden": "true" }));
      for (const one of found) {
        const option = element("div", one.column || one.table, { role: "option", "aria-selected": "false", id: `${input.id}-${made += 1}` });
        option.className = one.column ? "" : "of-table";
        option.dataset.place = one.place;
        option.append(element("span", [one.type, one.meaning].filter(Boolean).join(": ")));
        group.append(option);
      }
      list.append(group);
    }
    count.textContent = number > MOST_FOUND ? `${number} found, the first ${MOST_FOUND} shown` : number ? `${number} found` : "Nothing is called so or means so";
    list.hidden = !number;
    input.setAttribute("aria-expanded", String(number > 0));
  };
  const open = (option) => { if (option) location.href = box.dataset.root + option.dataset.place.split("#").map(encodeURI).join("#"); };
  box.hidden = false;
  if (box.classList.contains("in-header")) box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) close(); });
  input.addEventListener("focus", () => loadIndex(box.dataset.search, show));
  input.addEventListener("input", show);
  boxes.forEach((one) => one.addEventListener("change", () => loadIndex(box.dataset.search, show)));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => open(event.target.closest("[role=option]")));
  input.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 10, PageUp: Math.max(0, chosen - 10) };
    if (event.key in moves) { if (list.hidden) show(); choose(moves[event.key]); }
    else if (event.key === "Enter") open(options()[Math.max(0, chosen)]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
  });
}

// A page's own columns: those that have the text in their name or meaning; groups that are closed open while there is one.
function addFilter(input) {
  const rows = [...document.querySelectorAll("table.columns tbody tr")], groups = [...document.querySelectorAll("details.columns-group")];
  const said = document.getElementById("filtered");
  input.closest(".filter").hidden = false;
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    let number = 0;
    for (const row of rows) {
      const fits = !text || row.textContent.toLowerCase().includes(text);
      row.hidden = !fits;
      number += fits;
    }
    for (const group of groups) {
      const any = [...group.querySelectorAll("tbody tr")].some((row) => !row.hidden);
      group.hidden = !any;
      group.open = Boolean(text) && any;
    }
    said.textContent = text ? plural(number, "column") : "";
  });
}

// Tables are sorted by a button at the head of each column; what its cells hold says whether by number, day or word.
const UNITS = { kB: 1e3, MB: 1e6, GB: 1e9, minute: 60, hour: 3600 };
function sortValue(cell) {
  const time = cell.querySelector("time"), text = cell.textContent.trim().replace(/\s+/g, " ");
  if (time) return Date.parse(time.dateTime);
  const number = text.match(/^(?:under )?(\u2212?[\d,]+(?:\.\d+)?)(?: (bytes|kB|MB|GB|%|second|minute|hour)s?)?$/);
  if (number) return Number(number[1].replace("\u2212", "-").replaceAll(",", "")) * (UNITS[number[2]] || 1);
  const day = text.match(/^(?:\d{1,2} )?[A-Z][a-z]{2,8} \d{4}/);
  if (day) return Date.parse(/^\d/.test(day[0]) ? `${day[0]} UTC` : `1 ${day[0]} UTC`);
  return ["", "\u2013", "not known", "nothing yet"].includes(text) ? null : text.toLowerCase();
}

function compareValues(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en-GB", { numeric: true });
}

function addSorting(table) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  if (body.rows.length < 2) return;
  heads.forEach((head, place) => {
    const name = head.textContent.trim();
    if (!name || head.querySelector(".aloud")) return;
    const button = element("button", name, { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const falls = before ? before === "ascending" : head.classList.contains("number");
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [sortValue(row.cells[place]), row]);
      const order = ([one], [other]) => (falls ? compareValues(other, one) : compareValues(one, other));
      const known = rows.filter(([value]) => value !== null).sort(order), unknown = rows.filter(([value]) => value === null);
      body.append(...[...known, ...unknown].map(([, row]) => row));
      say(`Sorted by ${name}, ${falls ? "largest or last" : "smallest or first"} first`);
    });
  });
}

// Rows of one state alone: the address keeps it, so that it can be sent to somebody.
function addStateFilter(select) {
  const rows = [...document.querySelectorAll("[data-states]")], box = select.closest(".filter"), said = box.querySelector("[role=status]");
  const show = () => {
    for (const row of rows) row.hidden = Boolean(select.value) && !row.dataset.states.split("|").includes(select.value);
    const tables = new Set(rows.filter((row) => !row.hidden).map((row) => row.cells[0].textContent.trim()));
    said.textContent = select.value ? plural(tables.size, "table") : "";
    document.dispatchEvent(new Event("filtered"));
  };
  const asked = new URLSearchParams(location.search).get("state") || "";
  const isThere = [...select.options].some((one) => (one.value || "") === asked);
  box.hidden = select.options.length < 2 && isThere;
  select.value = isThere ? asked : "";
  show();
  if (!isThere) said.textContent = `Nothing is ${asked} now, so all is shown`;
  select.addEventListener("change", () => {
    const address = new URL(location.href);
    if (select.value) address.searchParams.set("state", select.value); else address.searchParams.delete("state");
    history.replaceState(null, "", address);
    show();
  });
}

// What a link leads to may lie in a part that is closed.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const part = target && target.closest("details");
  if (!part) return;
  part.open = true;
  target.scrollIntoView();
}

document.documentElement.classList.add("has-script");
document.querySelectorAll("[data-search]").forEach(addSearch);
document.querySelectorAll("[data-filter]").forEach(addFilter);
document.querySelectorAll("table[data-sort]").forEach(addSorting);
document.querySelectorAll("[data-state-filter]").forEach(addStateFilter);
addEventListener("hashchange", openTarget);
openTarget();
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]"), box = document.querySelector("[role=combobox]");
  if (event.key !== "/" || typing || !box || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
});
