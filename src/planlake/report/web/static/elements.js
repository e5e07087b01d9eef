// What several scripts of the page make elements and sentences with.

/** Makes an element: attributes by name, `on...` as listeners, without false and null; children are elements or texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** "1 row", "1,002 rows". */
export function counted(number, word) {
  return `${number.toLocaleString("en-GB")} ${word}${number === 1 ? "" : "s"}`;
}

/** Copies a text; gives the sentence that says so, or that the browser did not let it. */
export function copied(text, sentence) {
  return navigator.clipboard.writeText(text).then(() => sentence, () => "The browser does not allow copying here.");
}
