"""The proxy that the surroundings name is used, spared for whom NO_PROXY says, and shown without its password."""

import base64
from pathlib import Path

import pytest

from planlake.config import Settings
from planlake.errors import ConfigurationError, PlanlakeError, SourceUnreachable
from planlake.sources.http.proxy import proxy_of
from planlake.sources.page_text import page_text
from sources.answering import answering, head
from sources.asking import is_ok, read

PAGING = {"X_Number_Of_Results": "1", "X_Results_Per_Page": "50", "X_Page_Number": "1"}
API, SECURE = "http://council.example/rest/v1", "https://council.example/rest/v1"
ANSWER = [head(200, **PAGING), b'[{"id": "1"}]']
LOGIN = "s3cret%21word"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("http", "https", "all", "no"):
        for variable in (f"{name}_proxy", f"{name}_proxy".upper()):
            monkeypatch.delenv(variable, raising=False)


def address_of(url, login=""):
    return url.removesuffix("/rest/v1").replace("http://", f"http://{login}")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_requests_go_through_the_proxy_of_the_variable(monkeypatch, variable):
    with answering(ANSWER) as (url, asked):
        monkeypatch.setenv(variable, address_of(url))
        [answer] = read(API, {"page": 1})
    assert is_ok(answer)
    assert answer.url == f"{API}/wards?page=1"
    assert asked[0].splitlines()[0] == f"GET {API}/wards?page=1 HTTP/1.1"


def test_a_proxy_may_be_named_without_a_scheme_and_is_told_its_name_and_password(monkeypatch):
    with answering(ANSWER) as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", address_of(url, f"me:{LOGIN}@").removeprefix("http://"))
        [answer] = read(API, {"page": 1})
    assert is_ok(answer)
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:s3cret!word').decode()}" in asked[0]


def test_a_secure_connection_is_made_through_the_proxy_and_what_it_refuses_is_told_as_its_own(monkeypatch):
    with answering([head(407)]) as (url, asked):
        monkeypatch.setenv("HTTPS_PROXY", address_of(url, f"me:{LOGIN}@"))
        with pytest.raises(SourceUnreachable, match=r"the proxy refuses: status 407: .*password") as raised:
            read(SECURE, {"page": 1}, attempts=1)
    assert asked[0].splitlines()[0] == "CONNECT council.example:443 HTTP/1.1"
    assert raised.value.facts == {"base_url": SECURE, "proxy": address_of(url).removeprefix("http://")}
    assert "s3cret" not in "\n".join(raised.value.lines())


@pytest.mark.parametrize("base", [API, SECURE])
def test_a_proxy_that_is_not_there_is_named_as_what_cannot_be_reached(monkeypatch, base):
    monkeypatch.setenv("ALL_PROXY", f"http://me:{LOGIN}@127.0.0.1:9")
    with pytest.raises(
        SourceUnreachable, match=r"the proxy 127\.0\.0\.1:9 cannot be reached: connection refused"
    ) as raised:
        read(base, attempts=1)
    assert "s3cret" not in "\n".join(raised.value.lines())


def test_this_machine_is_asked_without_a_proxy(monkeypatch, simulator):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert is_ok(read(simulator.url)[0])
    assert [proxy_of(f"http://{host}/x") for host in ("localhost:1", "127.8.0.1", "[::1]:1", "a.localhost")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("spared", "is_spared"),
    [
        ("council.example", True),
        ("other.example, COUNCIL.EXAMPLE", True),
        (".example", True),
        ("example", True),
        ("*.example", True),
        ("council.example:443", True),
        ("council.example:8443", False),
        ("*", True),
        ("ncil.example", False),
        ("10.0.0.0/8", False),
        (" ,", False),
    ],
)
def test_no_proxy_names_hosts_that_are_reached_without_it(monkeypatch, spared, is_spared):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", spared)
    assert (proxy_of(SECURE) is None) == is_spared


@pytest.mark.parametrize(("spared", "is_spared"), [("10.0.0.0/8", True), ("10.1.2.3", True), ("11.0.0.0/8", False)])
def test_no_proxy_names_networks(monkeypatch, spared, is_spared):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", spared)
    assert (proxy_of("https://10.1.2.3/rest/v1") is None) == is_spared


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"socks5://me:{LOGIN}@proxy.example:1080", "names a proxy that speaks socks5, not HTTP"),
        (f"http://me:{LOGIN}@", "is not an address"),
        (f"http://me:{LOGIN}@proxy.example:{LOGIN}", "is not an address"),
        ("http://[::1", "is not an address"),
        (f"http://m%3Ae:{LOGIN}@proxy.example", "is not an address"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_clear_mistake_without_its_password(monkeypatch, given, said):
    monkeypatch.setenv("HTTPS_PROXY", given)
    with pytest.raises(ConfigurationError, match=f"the variable HTTPS_PROXY {said}") as raised:
        read(SECURE)
    assert "s3cret" not in "\n".join(raised.value.lines())


@pytest.mark.parametrize("address", ["http://[::1/x", "http://host:99999/x", "http://host:p/x", "https://[secret]/x"])
def test_what_is_no_address_has_no_proxy_and_is_told_by_whoever_asks_it(monkeypatch, address):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert proxy_of(address) is None
    with pytest.raises(ConfigurationError, match="not an address") as raised:
        page_text(address, Path(), Settings())
    assert "secret" not in "".join(raised.value.lines())


def test_a_password_of_a_proxy_is_in_no_text_of_it(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{LOGIN}@proxy.example:3128")
    assert repr(proxy_of(SECURE)) == "Proxy(name='proxy.example:3128')"


def test_a_name_and_password_for_the_api_in_netrc_are_not_sent(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine council.example login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with answering(ANSWER) as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", address_of(url))
        read(API)
    assert "\nAuthorization:" not in asked[0]


def test_the_documentation_goes_through_the_proxy_too(monkeypatch):
    with answering([head(200), b"<html></html>"], [head(407)]) as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", address_of(url))
        assert page_text("http://council.example/documentation.html", Path(), Settings()).text == "<html></html>"
        monkeypatch.setenv("HTTPS_PROXY", address_of(url, f"me:{LOGIN}@"))
        with pytest.raises(PlanlakeError, match="the proxy refuses: status 407") as raised:
            page_text("https://council.example/documentation.html/s3cret", Path(), Settings())
    assert "s3cret" not in "\n".join(raised.value.lines())
    assert asked[0].startswith("GET http://council.example/documentation.html HTTP/1.1")
