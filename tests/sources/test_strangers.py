"""What answers in place of the API is called so, with where it leads and what to set."""

import pytest

from planlake.simulator.faults import Rule
from planlake.sources.addresses import shown_place
from planlake.sources.http.strangers import stranger
from sources.asking import fail, read

BASE = "https://council.example/rest/v1"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!DOCTYPE html><html><title>Checking your\n browser &amp; you</title>", ': "Checking your browser & you"'),
        (b"\xef\xbb\xbf\r\n <HTML><HEAD><TITLE lang=en>Sign in</TITLE>", ': "Sign in"'),
        (b"<html><title>\x1b[31mred\xc2\x9b</title>", ': "?[31mred?"'),
        (b"<html><title>" + b"a" * 5000 + b"</title>", f': "{"a" * 60}..."'),
        (b"<html>Please wait</html>", "an HTML page answered, not the API"),
        (b"<html><title></title></html>", "an HTML page answered, not the API"),
        (b"<h1>503 Service Unavailable</h1>", "an HTML page answered, not the API"),
        (b'<?xml version="1.0"?><error/>', "an XML document answered, not the API"),
        (b"<" * 2**20, "an XML document answered, not the API"),
        (b'[{"name": "<html>"}]', ""),
        (b"maintenance", ""),
        (b"", ""),
    ],
)
def test_a_document_in_place_of_json_is_told_with_its_title(body, said):
    assert stranger(body).endswith(said)
    assert bool(stranger(body)) == bool(said)


@pytest.mark.parametrize("headers", [(), ("X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number")])
@pytest.mark.parametrize(
    ("status", "said"), [(200, ""), (403, "status 403, "), (503, "status 503, "), (202, "status 202 with a body: ")]
)
def test_a_firewalls_page_is_no_matter_of_paging_headers(simulator, status, said, headers):
    page = b"<html><head><title>Access denied</title></head></html>"
    fail(simulator, Rule(status=status, body=page, drop_headers=headers, times=None))
    [answer] = read(simulator.url, attempts=1)
    assert answer.error == f'{said}an HTML page answered, not the API: "Access denied"'


MOVES = {
    "another host": (
        "https://new.example/rest/v1/wards?page=1",
        "set api.base_url to that",
        "https://new.example/rest/v1",
    ),
    "a slash at its end": ("https://new.example/rest/v1/wards/", "set api.base_url", "https://new.example/rest/v1;"),
    "a login page": ("/login?next=secret-1", "is api.base_url right?", "redirected to http://127.0.0.1"),
    "itself": ("/rest/v1/wards?again=secret-1", "is api.base_url right?", "/rest/v1/wards,"),
    "a password": ("https://me:secret-1@new.example/rest/v1/wards#secret-1", "set api.base_url", "https://new.example"),
    "no address": ("https://[secret-1", "is api.base_url right?", "the address given"),
    "another kind": ("ftp://new.example/secret", "is api.base_url right?", "redirected to "),
    "colours": ("/\x9b31m/wards", "set api.base_url", "/?31m;"),
    "nowhere": ("", "without saying where to", ""),
}


@pytest.mark.parametrize("status", [301, 308])
@pytest.mark.parametrize("name", MOVES)
def test_a_redirect_says_where_to_and_what_to_set_and_no_secret(simulator, name, status):
    location, cure, place = MOVES[name]
    fail(simulator, Rule(status=status, headers={"Location": location} if location else {}, times=None))
    [answer] = read(simulator.url, {"page": 1})
    assert answer.error.startswith(f"status {status}")
    assert cure in answer.error
    assert place in answer.error
    assert "secret-1" not in answer.error
    assert answer.attempts == 1


def test_a_proxy_that_wants_a_password_is_told_as_one(simulator):
    fail(simulator, Rule(status=407, times=None))
    assert "the proxy wants another name and password" in read(simulator.url)[0].error


KEY = "s3cret-key"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (f"{BASE}/documentation.html{KEY}", f"{BASE}/documentation.html"),
        (f"{BASE}/documentation.html/{KEY}", f"{BASE}/documentation.html"),
        (f"{BASE}/documentation.htm/{KEY}", f"{BASE}/documentation.htm"),
        (f"https://me:{KEY}@council.example:8443/x?k={KEY}#{KEY}", "https://council.example:8443/x"),
        (f"htps://council.example/documentation.html/{KEY}", "htps://council.example/documentation.html"),
        (f"https:/council.example/documentation.html/{KEY}", "https:/council.example/documentation.html"),
        (f"https//council.example/documentation.html/{KEY}", "https//council.example/documentation.html"),
        (f"//council.example/documentation.html/{KEY}", "//council.example/documentation.html"),
        (f"council.example/documentation.html/{KEY}", "council.example/documentation.html"),
        (f" https://council.example/documentation.html/{KEY}", " https://council.example/documentation.html"),
        (f"htps://council.example/page?key={KEY}", "htps://council.example/page"),
        (f"council.example/page?key={KEY}", "council.example/page"),
        (f"me:{KEY}@council.example/page", "council.example/page"),
        (f"https://[{KEY}/page", "the address given"),
        ("pages/documentation.html", "pages/documentation.html"),
        ("/pages/me@office/documentation.html", "/pages/me@office/documentation.html"),
        ("C:\\pages\\documentation.html", "C:\\pages\\documentation.html"),
    ],
)
def test_the_place_of_a_page_is_shown_without_its_key_however_it_is_misspelt(place, shown):
    assert shown_place(place) == shown
    assert KEY not in shown_place(place)
