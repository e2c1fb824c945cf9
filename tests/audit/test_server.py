"""The audit's pages without a browser: what they refuse, what they show of hostile texts, what they store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import yaml

pytest.importorskip("starlette")
pytest.importorskip("duckdb")

from starlette.testclient import TestClient

from curation.writers.manifest import read_manifest
from pipelines.audit.catalog import open_catalog
from pipelines.audit.labels import open_labels
from pipelines.audit_server import security
from pipelines.audit_server.app import PAGES, make_app
from pipelines.audit_server.showing import PIECE, Mark, address, marked, shown
from pipelines.audit_server.state import Audit
from pipelines.audit_server.words import side_by_side
from tests.audit.hostile import LONG, SCHEMES, hostile_workspace

PORT = 8123
OURS = {"sec-fetch-site": "same-origin", "origin": "null"}
RULE = "length.min_words"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    return hostile_workspace(tmp_path_factory.mktemp("audit-server"))


@pytest.fixture
def client(workspace: tuple[Path, list[str]]) -> Iterator[TestClient]:
    with open_catalog(workspace[1][0], workspace[0]) as catalog:
        labels = open_labels(workspace[0], str(catalog.manifest["version"]))
        app = make_app(Audit(catalog, labels), PORT)
        yield TestClient(app, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
        labels.path.unlink(missing_ok=True)


def place_of(client: TestClient, url: str) -> str:
    """The address of the page of the one document of the source `web` whose URL begins so."""
    page = client.get("/explore", params={"source": "web"}).text
    rows = re.findall(r'class="row" href="([^"]+)"><span class="name"><bdi dir="ltr">([^<]*)<', page)
    found = [unescape(address) for address, name in rows if unescape(name).startswith(url)]
    assert len(found) == 1, url
    return found[0]


def test_every_page_answers_under_the_policy_and_runs_nothing_inline(client: TestClient) -> None:
    queries = {"/document": place_of(client, "https://sayt.example.az/azb").partition("?")[2], "/label": f"rule={RULE}"}
    at = re.search("at=[^&]+", queries["/document"])
    assert at
    queries["/beside"] = f"one={at[0][3:]}&other={at[0][3:]}"
    queries["/what-if"] = queries["/what-if/override.yaml"] = f"set={RULE}=3"
    for path in PAGES:
        answer = client.get(f"{path}?{queries.get(path, '')}")
        assert answer.status_code == 200, f"{path}: {answer.text[-300:]}"
        for name, value in security.HEADERS.items():
            assert answer.headers[name] == value, path
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src=\"/static/)", answer.text), path
        assert not re.search(r'(src|href)="(https?:)?//(?!sayt|bloq|blog)', answer.text), path
    assert "script-src 'self'" in security.POLICY
    assert client.get("/static/audit.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"host": "evil.example"}, "own address"),
        ({"host": f"evil.example:{PORT}"}, "own address"),
        ({"host": "127.0.0.1"}, "own address"),
        ({"host": f"127.0.0.1:{PORT + 1}"}, "own address"),
        ({"sec-fetch-site": "cross-site"}, "another site"),
        ({"sec-fetch-site": "same-site"}, "another site"),
        ({"origin": "http://evil.example"}, "another origin"),
        ({"origin": "null"}, "another origin"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/static/audit.css", "/nothing"])
def test_strangers_are_refused(client: TestClient, headers: dict[str, str], why: str, path: str) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 403
    assert why in answer.text
    assert answer.headers["content-security-policy"] == security.POLICY


def test_a_post_must_come_from_our_pages(client: TestClient) -> None:
    form = {"text": "Bir kitab haqqında"}
    assert client.post("/similar", data=form).status_code == 403
    assert client.post("/similar", data=form, headers={"origin": f"http://localhost:{PORT}"}).status_code == 403
    assert client.post("/similar", data=form, headers={"origin": f"http://127.0.0.1:{PORT}"}).status_code == 200
    assert client.post("/similar", data=form, headers=OURS).status_code == 200
    assert client.post("/similar", content=b"x" * (security.MOST_BYTES + 1), headers=OURS).status_code == 403
    assert client.post("/similar", content=b"a=1&" * 100, headers=OURS).status_code == 400
    assert client.post("/explore", data=form, headers=OURS).status_code == 405


def test_no_parameter_names_a_file(client: TestClient, workspace: tuple[Path, list[str]]) -> None:
    outside = workspace[0].parent / "raw.jsonl"
    for path in ("/static/../app.py", "/static/..%2fapp.py", f"/static/{outside}", "/static//etc/passwd"):
        assert client.get(path).status_code == 404, path
    for name in ("../stages", str(workspace[0] / "versions" / workspace[1][1]), "/etc", "."):
        assert client.get("/compare", params={"a": name}).status_code == 400, name
    for name in ("../../web:0:0", "web:-1:0", "web:0:99999", "web:0:0:0", "web", "", "web:0:٣"):
        assert client.get("/document", params={"at": name}).status_code == 400, name


def test_what_a_person_mistypes_is_told(client: TestClient) -> None:
    for address_, told in (
        ("/explore?low=x", "valid number"),
        ("/explore?rule=length.min_wrods", "length.min_words"),
        ("/explore?verdict=gone", "kept"),
        (f"/what-if?rule={RULE}&threshold=nan", "give a number"),
        ("/what-if?set=nothing.there=3", "nothing.there"),
        ("/labels?suggest=length.min_words&wished=2", "between 0 and 1"),
        ("/label?n=0", "greater than or equal to 1"),
    ):
        answer = client.get(address_)
        assert answer.status_code == 400, address_
        assert told in unescape(answer.text), address_
    assert client.get("/nothing").status_code == 404


def test_hostile_texts_and_addresses_are_shown_and_do_nothing(client: TestClient) -> None:
    for scheme in SCHEMES:
        text = client.get(place_of(client, scheme[:24])).text
        assert "<script>" not in text.replace('<script src="/static/audit.js" defer></script>', "")
        assert not re.search(r'href="(javascript|data):', text)
        assert "<img" not in text
        assert "\u202e" not in text
        assert "\x00" not in text
        assert unescape(text).count(scheme) >= 1, "an address is shown in full"
    echoed = client.post("/similar", data={"text": f"{PIECE} \u202egpj.exe \x00"}, headers=OURS).text
    assert "⟨U+202E⟩gpj.exe ⟨U+0000⟩" in echoed
    assert "&lt;b&gt;pages" in client.get("/").text


def test_a_line_of_five_million_characters_comes_in_pieces(client: TestClient) -> None:
    first = client.get(place_of(client, "https://sayt.example.az/line"))
    assert len(first.text) < 300_000
    assert f"of {LONG:,}." in first.text
    more = re.search(r'class="more" href="([^"]+)"', first.text)
    assert more
    second = client.get(unescape(more[1]).partition("#")[0])
    assert f"Characters {PIECE + 1:,} to {2 * PIECE:,}" in second.text
    assert "uzunuzun" in second.text
    last = client.get(unescape(more[1]).partition("#")[0].replace(f"from={PIECE}", "from=999999999"))
    assert f"to {LONG:,} of" in last.text


def test_a_label_is_stored_under_its_annotator_and_told(client: TestClient, workspace: tuple[Path, list[str]]) -> None:
    page = client.get(f"/label?rule={RULE}&n=5")
    at = re.search(r'name="at" value="([^"]+)"', page.text)
    assert at
    form = {"at": unescape(at[1]), "place": "0", "label": "drop", "reason": "boş <b>", "annotator": "Aygün"}
    assert client.post(f"/label?rule={RULE}&n=5", data=form | {"annotator": " "}, headers=OURS).status_code == 400
    assert client.post(f"/label?rule={RULE}&n=5", data=form | {"label": "maybe"}, headers=OURS).status_code == 400
    answer = client.post(f"/label?rule={RULE}&n=5", data=form, headers=OURS)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/label")
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
    path = workspace[0] / "labels" / f"{workspace[1][0]}.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["label"], line["annotator"], line["rule"], line["reason"]) for line in lines] == [("drop", "Aygün", RULE, "boş <b>")]
    again = client.get(f"/label?rule={RULE}&n=5").text
    assert "1 labelled by you" in again
    assert 'value="Aygün"' in again
    told = client.get("/labels").text
    assert "boş &lt;b&gt;" in told
    assert "100 %" in told


def test_a_torn_line_is_repaired_and_told(workspace: tuple[Path, list[str]]) -> None:
    path = workspace[0] / "labels" / f"{workspace[1][0]}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"id": "half', encoding="utf-8")
    with open_catalog(workspace[1][0], workspace[0]) as catalog:
        audit = Audit(catalog, open_labels(workspace[0], str(catalog.manifest["version"])))
        page = TestClient(make_app(audit, PORT), base_url=f"http://127.0.0.1:{PORT}").get("/labels").text
    path.unlink()
    assert audit.labels.repaired
    assert audit.labels.repaired in unescape(page)


def test_what_if_tells_what_a_rebuild_kept(client: TestClient, workspace: tuple[Path, list[str]]) -> None:
    """The second version was built with this override."""
    query = {"rule": RULE, "threshold": "40"}
    page = client.get("/what-if", params=query | {"exact": "1"})
    while "refresh" in page.headers:
        page = client.get("/what-if", params=query | {"exact": "1"})
    exact = page.text.partition("As a rebuild would have it")[2].partition("</table>")[0]
    total = re.findall(r"<td>([\d,]+)</td>", exact.partition('class="total"')[2])
    totals = read_manifest(workspace[0] / "versions" / workspace[1][1])["totals"]
    assert [total[3], total[7], total[8]] == [f"{totals[name]:,}" for name in ("kept", "words", "final_words")]
    told = client.get("/what-if/override.yaml", params={"set": f"{RULE}=40.0"})
    assert yaml.safe_load(told.text) == {"filters": {"length": {"min_words": 40}}}
    assert "attachment" in told.headers["content-disposition"]


def test_compare_shows_the_setting_that_differs(client: TestClient, workspace: tuple[Path, list[str]]) -> None:
    page = client.get("/compare", params={"a": workspace[1][1]})
    while "refresh" in page.headers:
        page = client.get("/compare", params={"a": workspace[1][1]})
    assert "filters.length.min_words" in page.text
    assert "style=" not in page.text


def test_duplicates_stand_side_by_side(client: TestClient) -> None:
    page = client.get(place_of(client, "https://sayt.example.az/copy")).text
    beside = re.search(r'href="(/beside[^"]+)"', page)
    assert beside
    text = client.get(unescape(beside[1])).text
    assert {re.sub(r"<.*?>", "", piece).strip() for piece in re.findall(r"<(?:ins|del)>.*?</(?:ins|del)>", text)} == {
        "bağlandı.",
        "açıldı.",
    }


def test_a_pasted_text_finds_its_like(client: TestClient) -> None:
    page = client.get(place_of(client, "https://sayt.example.az/original")).text
    text = re.sub(r"<[^>]+>", "", re.findall(r'class="passage"[^>]*>(.*?)</div>', page, re.DOTALL)[0])
    found = client.post("/similar", data={"text": unescape(text)}, headers=OURS).text
    assert "1.00 · " in found


def test_marks_overlap_and_keep_every_letter() -> None:
    made = str(marked("a<b>cdef", [Mark(0, 4, "one"), Mark(3, 6, "two"), Mark(7, 99, "x")], 1, 8))
    assert re.sub("<.*?>", "", made) == "&lt;b&gt;cdef"
    assert re.findall('title="(.*?)"', made) == ["one", "one, two", "two", "x"]
    assert str(shown("a\u200cb")) == "a\u200cb"
    assert str(shown("\u202e\ud800<")) == '<span class="unseen">U+202E</span><span class="unseen">U+D800</span>&lt;'
    assert "and 9,800 more" in shown("\x00" * 10_000)


def test_only_the_web_is_linked_to() -> None:
    assert 'href="https://az.example/%3C"' in address("https://az.example/%3C")
    for url in (
        *SCHEMES[:2],
        "http://a\u202eb.az",
        "//a.az",
        "file:///etc/passwd",
        "http:",
        "https://[",
        "vbscript:x",
        "http://a b.az",
        "HTTPS\x00://a",
    ):
        assert "href" not in address(url), url


@pytest.mark.parametrize(
    ("one", "other"), [("söz " * 400_000, "daş söz " * 200_000), (" " * 2_000_000, "a"), ("a" * 2_000_000, "a" * 2_000_001), ("", "")]
)
def test_long_texts_are_compared_as_far_as_that_is_quick(one: str, other: str) -> None:
    left, right, cut = side_by_side(one, other)
    assert cut == bool(one)
    assert len(left) + len(right) < 2_000_000
