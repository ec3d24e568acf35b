"""Whatever is wrong with an input, the answer is one sentence and no trace, or a remark."""

from pathlib import Path

import pytest
from tests.cli.malformed import CASES, Case, problem_of


def test_there_are_sixty_cases_with_names_of_their_own():
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_input_is_refused_in_one_sentence_or_handled(case: Case, tmp_path: Path, finished: Path):
    assert problem_of(case, tmp_path, finished) is None
