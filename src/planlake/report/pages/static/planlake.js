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
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].filter((cell) => cell.tagName === "TD"));
  const days = [...table.tHead.rows].at(-1).cells;
  const line = table.closest(".region").nextElementSibling;
  const place = (cell) => { const y = rows.findIndex((row) => row.includes(cell)); return [y, rows[y].indexOf(cell)]; };
  const head = (cell) => cell.parentElement.querySelector("th");
  const tell = (cell) => {
    const day = days[cell.cellIndex], words = cell.textContent.trim();
    if (words) line.textContent = day.abbr ? `${head(cell).textContent.trim()}, ${day.abbr}: ${words}` : words;
  };
  table.setAttribute("role", "grid");
  table.setAttribute("aria-readonly", "true");
  rows.flat().forEach((cell) => { cell.tabIndex = -1; });
  let stop = rows[0].at(-1);
  stop.tabIndex = 0;
  const go = (y, x) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, y))];
    row[Math.max(0, Math.min(row.length - 1, x))].focus();
  };
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    stop.tabIndex = -1;
    stop = cell;
    stop.tabIndex = 0;
    tell(cell);
  });
  table.addEventListener("pointerover", (event) => { const cell = event.target.closest("tbody td"); if (cell) tell(cell); });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.altKey || event.metaKey) return;
    const [y, x] = place(cell), far = event.ctrlKey;
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
