import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.results import report
from ansatz.results.index import Card, render_index
from ansatz.results.report import Code, Facts, Live, Picture, Remarks, Section, Sentence, Table, render

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
PLAIN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M 0 0"/></svg>'
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that what opens closes."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_example_is_whole_self_contained_and_small(example_report, example_index):
    for page in (example_report, example_index):
        reader = read(page)
        assert len(page.encode()) <= 2_000_000 and not {"script", "link", "iframe"} & set(reader.tags)
        for name, value in reader.attributes:
            assert not name.startswith("on")
            if name == "src" or name == "xlink:href":
                assert value.startswith(("data:image/png", "#"))
        assert "default-src 'none'" in page and "prefers-color-scheme:dark" in page
        assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert "var(--orange" in example_report and "--orange:" in example_report
    assert example_report.count("<figure") == 14 and example_report.count("<section") == 4


def test_the_same_report_gives_the_same_bytes():
    sections = [Section("A", [Facts((("rows", 53_940),))])]
    assert render(sections, "t") == render(sections, "t")
    assert "<dd>53,940</dd>" in render(sections, "t")


def test_hostile_text_is_shown_and_never_run():
    blocks = [
        Sentence(HOSTILE, "bad"), Facts([(HOSTILE, HOSTILE)]), Table([HOSTILE], [[HOSTILE]], HOSTILE),
        Picture(PLAIN, HOSTILE, HOSTILE), Picture(PLAIN, HOSTILE, HOSTILE, wide=True), Code(HOSTILE, HOSTILE),
        Picture(b"\x89PNG\r\n\x1a\n", HOSTILE), Remarks([HOSTILE], HOSTILE),
        report.Tiles([(HOSTILE, HOSTILE, HOSTILE)]),
        report.Details(HOSTILE, [Sentence(HOSTILE)]),
    ]  # fmt: skip
    section = Section(HOSTILE, blocks, HOSTILE)
    page = render(
        [section] * 3,
        HOSTILE,
        subtitle=HOSTILE,
        answer=HOSTILE,
        tiles=[(HOSTILE, HOSTILE, HOSTILE)],
        footer=HOSTILE,
    )
    reader = read(page)
    assert "script" not in reader.tags and not [n for n, _ in reader.attributes if n.startswith("on")]
    assert "".join(reader.words).count(HOSTILE) > 40
    card = render_index([Card(HOSTILE, HOSTILE, "a/b.html", note=HOSTILE)], HOSTILE, subtitle=HOSTILE)
    assert "script" not in read(card).tags


@given(st.text(), st.text())
def test_any_text_leaves_the_page_well_formed(first, second):
    reader = read(render([Section(first, [Sentence(second), Code(first)])], second))
    assert "script" not in reader.tags


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>1</script></svg>",
        '<svg onload="alert(1)"/>',
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="//elsewhere/x.svg#a"/></svg>',
        '<svg><image href="data:image/svg+xml;base64,AAAA"/></svg>',
        '<svg><foreignObject/></svg>',
        '<svg><path style="fill: url( \'//elsewhere/x\')"/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "<svg>",
        "<svg><style>@import '//elsewhere'</style></svg>",
    ],
)  # fmt: skip
def test_an_svg_that_does_more_than_draw_is_refused(svg):
    with pytest.raises(BadInput, match=r"figure"):
        render([Section("A", [Picture(svg, "")])], "t")


def test_a_live_part_runs_by_the_hash_of_its_script_and_nothing_else_does():
    html = (
        '<div class="walk"><script type="application/json">{"a":1}</script></div><script>let a = 1;</script>'
    )
    page = render([Section("A", [Live(html, "A caption", "A <title>")])], "t")
    policy = unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1])
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert re.search(r"script-src ([^;]*)", policy)[1].split() == [f"'sha256-{digest}'"]
    assert html in page and "A &lt;title&gt;" in page and "unsafe-inline" not in policy.split("style-src")[0]
    assert "script-src" not in render([Section("A", [Sentence("x")])], "t")


@pytest.mark.parametrize(
    "html",
    [
        '<iframe srcdoc="x"></iframe>',
        "<form action='//elsewhere'></form>",
        '<img alt="x" src="//elsewhere/x.png">',
        '<script src="//elsewhere/x.js"></script>',
        '<a href="//elsewhere">x</a>',
        '<button onclick="go()">x</button>',
        '<link rel="stylesheet">',
        '<p\nONCLICK = "go()">x</p>',
        '<svg/onload="go()">',
        '<IFRAME srcdoc="x">',
        '<meta http-equiv="refresh" content="0;url=//elsewhere">',
    ],
)
def test_a_live_part_that_leads_out_of_the_page_is_refused(html):
    with pytest.raises(BadInput, match="out of the page"):
        render([Section("A", [Live(html, "")])], "t")


def test_bytes_that_are_no_png_and_unknown_tones_are_refused():
    with pytest.raises(BadInput, match="no PNG"):
        Picture(b"BM6\x00", "").markup()
    with pytest.raises(BadInput, match="plain, good, bad, note"):
        Sentence("x", "great")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " https://elsewhere", "//elsewhere", "\\\\host\\x", "data:x"]
)
def test_an_index_links_only_to_files_beside_it(link):
    with pytest.raises(BadInput, match="leads elsewhere"):
        render_index([Card("a", "b", link)], "t")


def test_a_page_too_large_leaves_out_its_largest_figures_and_says_so():
    big = b"\x89PNG\r\n\x1a\n" + b"0" * 1_100_000
    page = render([Section("A", [Picture(big, "one"), Picture(PLAIN, "two"), Picture(big, "three")])], "t")
    assert len(page.encode()) <= report.LARGEST
    assert page.count("was left out") == 1 and ">two<" in page


def test_columns_of_numbers_are_aligned_on_the_right():
    table = Table(("a", "b", "c", "d"), [("x", 1.5, "0.1 [0.0, 0.2]", "1 min 2 s"), ("y", None, 3, "12 ms")])
    assert table.numeric() == [False, True, True, True]


def test_sections_of_one_title_have_links_of_their_own():
    anchors = re.findall(
        r'<section id="([^"]*)"', render([Section("Same"), Section("Same"), Section("…")], "t")
    )
    assert len(set(anchors)) == 3
