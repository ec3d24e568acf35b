from rich.console import Console

from ansatz.results.compare import Column, Comparison, Entry
from ansatz.results.numbers import Interval, duration
from ansatz.results.report import Section, render

TABLE = Comparison(
    (
        Column("rmse", "RMSE", higher_is_better=False),
        Column("r2", "R²", higher_is_better=True),
        Column("seconds", "time", write=duration),
    ),
    (
        Entry("network", {"rmse": Interval(0.1, 0.09, 0.11), "r2": 0.9, "seconds": 75.0}, own=True),
        Entry("[red]hostile", {"rmse": 0.2, "r2": 0.95}),
        Entry("broken", {"rmse": float("nan")}),
    ),
    "a caption",
)


def test_the_best_of_each_ranked_column_is_marked_and_gaps_never_are():
    assert TABLE.marks() == {(0, 1), (1, 2)}


def test_one_entry_alone_is_no_best():
    assert Comparison(TABLE.columns, TABLE.entries[:1]).marks() == set()


def test_terminal_and_report_show_the_same_cells():
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123
    console.print(TABLE.terminal())
    text, page = console.export_text(), render([Section("T", [TABLE.block()])], "t")
    console.file.close()
    for row in TABLE.cells():
        for cell in row:
            assert cell in text and cell in page
    assert "1 min 15 s" in text and 'class="own"' in page and page.count("strong") >= 2
