"""Drives a browser: opens pages at a width and in a scheme, presses keys, asks axe, and hears what a page does."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

SCHEMES = ("light", "dark")
AXE = Path(__file__).parent / "axe/axe.min.js"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
    ),
)
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def looks(*widths, is_whole):
    """Each width in one of the schemes, in turns, or in both."""
    return [
        (width, scheme)
        for place, width in enumerate(widths)
        for turn, scheme in enumerate(SCHEMES)
        if is_whole or place % len(SCHEMES) == turn
    ]


@contextmanager
def started():
    """A browser that knows no other machine, with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, OFFLINE, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        driver.set_page_load_timeout(60)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """A page in a browser, and what it did."""

    def __init__(self, driver):
        self.driver, self._clock = driver, None

    def reset(self, now=None):
        """The page's clock at a London time, or as it runs; 1,280 pixels, in light; what was heard is forgotten."""
        if self._clock:
            self.send("Page.removeScriptToEvaluateOnNewDocument", identifier=self._clock)
            self._clock = None
        if now is not None:
            instant = int(datetime.fromisoformat(now).replace(tzinfo=ZoneInfo("Europe/London")).timestamp() * 1000)
            source = f"Date.now = () => {instant};"
            self._clock = self.send("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]
        self.send("Emulation.setScriptExecutionDisabled", value=False)
        self.look()
        self.driver.get("about:blank")
        self.heard()

    def look(self, width=1280, scheme="light", **features):
        """How wide the page is, and which features its reader's machine has."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        chosen = {"prefers-color-scheme": scheme, **{name.replace("_", "-"): value for name, value in features.items()}}
        media = [{"name": name, "value": value} for name, value in chosen.items() if name != "media"]
        self.send("Emulation.setEmulatedMedia", media=chosen.get("media", ""), features=media)

    def send(self, command, **values):
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def open(self, page):
        """Open a file, or an address."""
        self.driver.get(page.as_uri() if isinstance(page, Path) else page)

    def run(self, script, *values):
        """What a script answers."""
        return self.driver.execute_script(f"return {script}", *values)

    def press(self, *keys):
        """Press keys one after the other; a list is pressed together."""
        names = {name: getattr(Keys, name.upper()) for name in ("enter", "tab", "home", "end", "control", "escape")}
        names |= {name: getattr(Keys, f"ARROW_{name.upper()}") for name in ("left", "right", "up", "down")}
        names |= {"page up": Keys.PAGE_UP, "page down": Keys.PAGE_DOWN}
        actions = webdriver.ActionChains(self.driver)
        for key in keys:
            *held, last = (names.get(one, one) for one in ([key] if isinstance(key, str) else key))
            for one in held:
                actions.key_down(one)
            actions.send_keys(last)
            for one in held:
                actions.key_up(one)
        actions.perform()

    def focused(self):
        """The text of what has the focus."""
        return self.run("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')")

    def barriers(self):
        """What axe finds: the rule, and where."""
        self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run().then((said) => done(said.violations), (error) => done([{id: String(error), nodes: []}]));"
        )
        return [(one["id"], [node["target"] for node in one["nodes"][:3]]) for one in found]

    def too_wide(self):
        """By how many pixels the page is wider than the screen."""
        return self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def heard(self):
        """What was asked of any network, and what the page complained about, since this was last asked."""
        asked, said = [], [one["message"] for one in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return asked, said
