"""The pages people look at, as files (`planlake report`) or served.

How a page is added:
1. `figures/NAME.py`: a frozen record, and a function `NAME(facts: LakeFacts) -> Record`. It asks by
   `facts.ask("select ...")`, which shows nothing personal, and knows nothing of HTML.
2. `templates/NAME.html` extends `page.html` and fills its blocks `answer` (the h1), `page_name` and `main`. Filters are
   those of `render.py` (all of `words.py`); commands, states and marks are macros of `templates/macros.html`.
3. A line in `PAGES` of `listing.py`: file, name in the navigation, template, function, and when it is left out.
4. Marks and colours are in `static/planlake.css`, what script adds in `static/planlake.js`: a page is whole without it.
5. A test in `tests/report/pages/`; the tests of `tests/browser/` open every page of `PAGES` by themselves.
"""
