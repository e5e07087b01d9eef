"""The page Ask in a browser: what its tests look at and press."""

from urllib.parse import quote

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

# What Ctrl+V does, which the driver does not do here.
PASTE = """
const [target, done] = arguments;
navigator.clipboard.readText().then((text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  done();
});
"""


def wait(page, condition, seconds=15):
    return WebDriverWait(page, seconds, ignored_exceptions=[StaleElementReferenceException]).until(
        lambda _: condition()
    )


def one(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def every(page, selector):
    return page.find_elements(By.CSS_SELECTOR, selector)


def editor(page):
    return one(page, ".cm-content")


def text(page):
    return "\n".join(line.get_property("textContent") for line in every(page, ".cm-line"))


def open_ask(page, address, query="", day=""):
    """The page as a link opens it, with a query or without."""
    page.get("about:blank")
    parts = f"#q={quote(query)}" + (f"&as-of={day}" if day else "") if query else ""
    page.get(f"{address}/ask.html{parts}")
    wait(page, lambda: every(page, ".cm-content") and not one(page, "#stop").is_enabled())
    if query:
        wait(page, lambda: "link" in said(page))


def said(page):
    return one(page, "#said").text


def ask(page, address, query):
    """Fills in a query, runs it, and waits for its rows."""
    open_ask(page, address, query)
    one(page, "#run").click()
    wait(page, lambda: " row" in said(page) or one(page, "#problem").text)
    assert not one(page, "#problem").text


def column(page, number):
    script = "return [...document.querySelectorAll(arguments[0])].map((cell) => cell.textContent)"
    return page.execute_script(script, f"table.result tbody td:nth-child({number})")


def offered(page):
    return [each.text for each in every(page, ".cm-tooltip-autocomplete .cm-completionLabel")]


def requests(page, ending):
    return page.execute_script(
        "return performance.getEntriesByType('resource').filter(({name}) => name.endsWith(arguments[0])).length", ending
    )
