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

tellAge();
addCopying();
