"""Every claim of the notes that a chapter examines gets one of three verdicts, by an assertion."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```python [^\n]*exec=\"on\"[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module `docs/verdicts.py` with an empty book."""
    monkeypatch.syspath_prepend(str(DOCS))
    spec = importlib.util.spec_from_file_location("verdicts_under_test", DOCS / "verdicts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def blocks(chapter: str) -> list[ast.Module]:
    """Return the executed blocks of a chapter as syntax trees."""
    return [ast.parse(found) for found in BLOCK.findall((DOCS / "chapters" / f"{chapter}.md").read_text())]


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    """Return the calls of a function of this name."""
    every = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in every if isinstance(call.func, ast.Name) and call.func.id == name]


def written(call: ast.Call) -> tuple[str, str]:
    """Return the claim and the verdict that a call gives, which stand there as they are."""
    claim, verdict = (ast.literal_eval(argument) for argument in call.args[:2])
    return claim, verdict


def test_every_claim_of_every_chapter_has_one_verdict(page: Any):
    for chapter, claims in page.CLAIMS.items():
        given = [written(call) for tree in blocks(chapter) for call in calls(tree, "verdict")]
        assert sorted(claim for claim, _ in given) == sorted(claims), chapter
        assert {verdict for _, verdict in given} <= set(page.VERDICTS), chapter
        assert [len(calls(tree, "table")) for tree in blocks(chapter)][-1] == 1, chapter


def test_no_two_claims_have_one_name(page: Any):
    names = [claim for claims in page.CLAIMS.values() for claim in claims]
    assert len(names) == len(set(names)) > 40


def test_what_is_measured_is_asserted_before_its_verdict(page: Any):
    for chapter in page.CLAIMS:
        asserted = 0
        for tree in blocks(chapter):
            asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
            asserted += len(asserts)
            for call in calls(tree, "verdict"):
                here = min(asserts, default=sys.maxsize) < call.lineno
                assert here or asserted > len(asserts), (chapter, written(call))


def test_every_chapter_executes_something_and_prints_its_verdicts():
    chapters = sorted((DOCS / "chapters").glob("*.md"))
    assert len(chapters) >= 4
    for chapter in chapters:
        for tree in blocks(chapter.stem):
            printed = [call for outer in calls(tree, "print") for call in ast.walk(outer)]
            assert all(call in printed for call in calls(tree, "verdict")), chapter.name
        assert blocks(chapter.stem), chapter.name


def test_a_verdict_is_shown_and_listed(page: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(page.CLAIMS, "00_x", {"one": "Sums of |x| are even.", "two": "Two is odd."})
    assert page.verdict("one", "holds when", "x is an integer") == (
        '\n!!! warning "Sums of |x| are even."\n    **Holds when** x is an integer\n'
    )
    with pytest.raises(ValueError, match="no verdict on: two"):
        page.table("00_x")
    page.verdict("two", "false", "2 mod 2 = 0")
    assert page.table("00_x").splitlines()[2:] == [
        "| Sums of \\|x\\| are even. | **holds when** | x is an integer |",
        "| Two is odd. | **false** | 2 mod 2 = 0 |",
    ]


@pytest.mark.parametrize(
    ("claim", "verdict", "says"), [("one", "perhaps", "no verdict"), ("gone", "holds", "no claim")]
)
def test_a_wrong_verdict_is_refused(
    page: Any, monkeypatch: pytest.MonkeyPatch, claim: str, verdict: str, says: str
):
    monkeypatch.setitem(page.CLAIMS, "00_x", {"one": "One is odd."})
    with pytest.raises(ValueError, match=says):
        page.verdict(claim, verdict, "")
