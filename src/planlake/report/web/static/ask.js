// The page Ask: a query is written, run, looked at, drawn, taken away. Nothing is kept in the browser.
import { copied, counted, element } from "./elements.js";
import { offerChart } from "./result-chart.js";
import { showResult } from "./result-grid.js";

const at = (id) => document.getElementById(id);
const [query, asOf, run, stop, said, problem] = ["query", "as-of", "run", "stop", "said", "problem"].map(at);
const [grid, chart, past] = ["grid", "chart", "history"].map(at);
let editor = plainEditor();
let running = null;
let unread = "The names of the tables are still being read; they are offered in a moment.";

const say = (sentence) => { said.textContent = sentence; };
const asked = () => ({ sql: editor.text(), as_of: asOf.value || null });

/** The server's answer to a question; throws what it says is wrong, with hint and place. */
async function post(address, question, signal) {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(question), signal };
  const response = await fetch(address, request).catch((failure) => {
    if (signal.aborted) throw failure;
    throw new Error("Planlake does not answer any more. Start planlake ui in the terminal again, and open its link.");
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw Object.assign(new Error(error?.message ?? `The server answered ${response.status}.`), error);
}

/** Does one thing with the lake; what is asked for while another goes on is not done, and that is said. */
async function busy(words, work) {
  if (running) return say("A query is running; Stop ends it.");
  running = new AbortController();
  forget();
  say(words);
  stop.disabled = false;
  run.setAttribute("aria-disabled", "true");
  try {
    await work(running.signal);
  } catch (failure) {
    if (running.signal.aborted) say("Stopped.");
    else complain(failure);
  } finally {
    running = null;
    if (document.activeElement === stop) run.focus();
    stop.disabled = true;
    run.removeAttribute("aria-disabled");
  }
}

/** Ends what goes on; whether anything did. */
function halt() {
  running?.abort();
  return running !== null;
}

async function ask() {
  if (!editor.text().trim()) return say("There is no query yet. Write one that begins with select.");
  const question = asked();
  await busy("Running…", async (signal) => {
    grid.replaceChildren();
    chart.replaceChildren();
    const answer = await (await post("/api/query", question, signal)).json();
    showResult(grid, answer, say);
    grid.querySelector(".result-tools").append(downloads(question));
    offerChart(chart, answer, (wanted) => draw(question, wanted));
    say(summary(answer));
  });
  await recall();
}

function summary({ rows, seconds, is_cut: isCut, notes = [] }) {
  const took = seconds < 0.01 ? "less than 0.01 s" : `${seconds.toFixed(2)} s`;
  const found = counted(rows.length, "row");
  const sentence = isCut ? `The first ${found} in ${took}; a download has the others too.` : `${found} in ${took}.`;
  return [sentence, ...notes].join(" ");
}

function downloads(question) {
  const buttons = [["csv", "CSV"], ["parquet", "Parquet"], ["xlsx", "Excel"]].map(([format, name]) => {
    const onclick = () => download(question, format);
    return element("button", { type: "button", "aria-label": `Download as ${name}`, onclick }, name);
  });
  return element("span", { class: "downloads" }, "Download as ", ...buttons);
}

async function download(question, format) {
  await busy("Making the file…", async (signal) => {
    const answer = await post("/api/download", { ...question, format }, signal);
    const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"));
    const link = element("a", { href: URL.createObjectURL(await answer.blob()), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
    say(`${name} is with your other downloads.`);
  });
}

/** The drawing of an answer, as text of HTML; null where there is none, which is then said. */
async function draw(question, wanted) {
  let drawn = null;
  await busy("Drawing…", async (signal) => {
    drawn = await (await post("/api/chart", { ...question, ...wanted }, signal)).text();
    say("The chart stands below the rows.");
  });
  return drawn;
}

/** Says what is wrong above the editor, and marks the place in it. */
function complain({ message, hint, line, column }) {
  say("");
  const onclick = () => editor.goTo(line, column);
  const place = element("button", { type: "button", class: "plain", onclick }, `Line ${line}, column ${column}`);
  problem.replaceChildren(element("p", {}, ...(line ? [place, ": "] : []), message));
  if (hint) problem.append(element("p", {}, hint));
  if (line) editor.mark(line, column, message);
}

function forget() {
  if (!problem.hasChildNodes()) return;
  problem.replaceChildren();
  editor.unmark();
}

async function recall() {
  const response = await fetch("/api/history").catch(() => ({}));
  if (!response.ok) return;
  const { queries } = await response.json();
  const list = (some) => element("ul", { class: "past" }, ...some.map(remembered));
  past.replaceChildren(list(queries.slice(0, 10)));
  if (queries.length > 10) past.append(element("details", {}, element("summary", {}, "Older queries"), list(queries.slice(10))));
}

function remembered({ sql, as_of: day }) {
  const words = element("code", {}, sql.slice(0, 300));
  const button = element("button", { type: "button", class: "plain", onclick: () => fill(sql, day) }, words);
  return element("li", {}, button, day ? ` as of ${day}` : "");
}

function fill(sql, day) {
  editor.write(sql);
  // A day that the page does not offer is asked for all the same: the server says what is wrong with it.
  if (day && ![...asOf.options].some(({ value }) => value === day)) asOf.add(new Option(day, day));
  asOf.value = day ?? "";
  editor.focus();
}

async function copyLink() {
  const { sql, as_of: day } = asked();
  const parts = new URLSearchParams({ q: sql, ...(day ? { "as-of": day } : {}) });
  const link = `${location.origin}${location.pathname}#${parts}`;
  say(await copied(link, "Copied the link. A colleague pastes it into the editor of their own planlake ui."));
}

async function copyQuery() {
  const { sql, as_of: day } = asked();
  say(await copied(sql, `Copied the query as text${day ? `; the day it is asked about, ${day}, is not in it` : ""}.`));
}

/** Fills in the query that a link carries, if it does. It is not run: who opens a link has not read it yet. */
function take(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  if (!parts.get("q")) return false;
  fill(parts.get("q"), parts.get("as-of"));
  say("This query came with a link. Read it, then press Run.");
  return true;
}

/** A link from a colleague names their page's address: pasted into this one, it is the query that it carries. */
const takeLink = (text) => /^https?:\/\/\S+#\S+$/.test(text.trim()) && take(text.trim().replace(/^[^#]+/, ""));

/** The textarea, until CodeMirror is there and where it cannot be. */
function plainEditor() {
  return {
    text: () => query.value,
    write: (text) => { query.value = text; },
    focus: () => query.focus(),
    goTo: () => query.focus(),
    knows() {}, mark() {}, unmark() {},
  };
}

/** CodeMirror in the textarea's place. */
async function enhance() {
  const { queryEditor } = await import("./query-editor.js");
  const label = document.querySelector("label[for=query]");
  const nonce = document.querySelector("meta[name=csp-nonce]").content;
  const unlearned = () => say(unread);
  editor = queryEditor(query, { nonce, label, run: ask, stop: halt, changed: forget, pasted: takeLink, unlearned });
}

/** Learns the tables and columns that the editor offers; until then it says why it offers none. */
async function learn() {
  const names = await fetch("/api/names").catch(() => ({}));
  const wasWanted = said.textContent === unread;
  if (names.ok) editor.knows(await names.json());
  else unread = "The names of the tables could not be read, so none are offered. Open this page again to try once more.";
  if (wasWanted) say(names.ok ? "The names are there now: Ctrl+Space offers them." : unread);
}

for (const button of document.querySelectorAll("main button[disabled]")) button.disabled = button === stop;
for (const example of document.querySelectorAll("#examples button")) {
  example.addEventListener("click", () => fill(example.dataset.sql, null));
}
run.addEventListener("click", ask);
stop.addEventListener("click", halt);
at("copy-link").addEventListener("click", copyLink);
at("copy-query").addEventListener("click", copyQuery);
query.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  if (event.key === "Escape") halt();
});
window.addEventListener("hashchange", () => take(location.hash));
await enhance().catch(() => say("The editor could not be loaded; this plain field takes queries as well."));
take(location.hash);
await Promise.allSettled([recall(), learn()]);
