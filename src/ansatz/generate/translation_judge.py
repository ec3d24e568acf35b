"""What a trained translator is worth: its right answers on new texts, beside what needs no network."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansatz.generate.divisors import by_divisor
from ansatz.generate.translate import Answer, FittedTranslator
from ansatz.generate.translate_tasks import CHECKS, TASKS, Drawn
from ansatz.generate.translation_model import Classic, Group, Shown, TranslationEvaluation, TranslationModel
from ansatz.results.numbers import Interval
from ansatz.training.run import Run

if TYPE_CHECKING:
    from ansatz.generate.translation import ReadyTranslation

EXAMPLES = 8
LEARNED_FROM = 20_000
"""The texts among which the nearest one is looked for."""


def judge_translation(ready: "ReadyTranslation", run: Run) -> TranslationModel:
    """Translate the test part with a beam search, and count the right answers."""
    settings, texts = ready.settings, ready.data
    lengths = texts.pairs.source.shape[1], texts.pairs.target.shape[1]
    fitted = FittedTranslator(run, texts.tokenizer, *lengths)
    task = TASKS[settings.task] if settings.task else None
    accepts = task.accepts if task else CHECKS[settings.check]
    test = ready.given.test
    found = fitted.translate(test.sources, settings.beams)
    firsts = [answers[0].text if answers else "" for answers in found]
    exact = [first == wanted for first, wanted in zip(firsts, test.targets, strict=True)]
    accepted = None
    if accepts is not None:
        # What is exact needs no algebra; of the others the first beam that is right counts.
        right = [
            one or any(accepts(text, answer.text) for answer in answers)
            for one, text, answers in zip(exact, test.sources, found, strict=True)
        ]
        accepted = sum(right) / len(right)
    divisors = []
    if settings.task == "gcd":
        wanted = [int(d) for d in test.targets]
        divisors = [tuple(row) for row in by_divisor(wanted, firsts, settings.base)]
    evaluation = TranslationEvaluation(
        share(sum(exact), len(exact)), len(exact), accepted, grouped(test.groups, exact), divisors,
        baselines(ready.given.train, test) if settings.baselines else [], shown(test, found),
    )  # fmt: skip
    remarks = (*ready.remarks, *run.info["remarks"])
    return TranslationModel(fitted, evaluation, ready.recipe, settings, ready.source, remarks)


def share(right: int, count: int) -> Interval:
    """Return the share of right answers with its interval (Wilson 1927) of 95 %.

    >>> [round(end, 3) for end in share(9, 10)[:3]]
    [0.9, 0.596, 0.982]
    """
    z, p = 1.959964, right / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    # The ends are exact where no answer or every answer is right, which rounding would hide.
    lower = max(middle - half, 0.0) if right else 0.0
    upper = min(middle + half, 1.0) if right < count else 1.0
    return Interval(p, lower, upper)


def grouped(groups: Sequence[str], right: Sequence[bool]) -> list[Group]:
    """Return the share of right answers in each group, the groups by the numbers in their names."""
    counts, hits = Counter(groups), Counter(g for g, one in zip(groups, right, strict=True) if one)

    def rank(name: str) -> tuple[int, str]:
        digits = "".join(c if c.isdigit() else " " for c in name).split()
        return (int(digits[0]) if digits else 0, name)

    return [Group(name, counts[name], hits[name] / counts[name]) for name in sorted(counts, key=rank)]


def shown(test: Drawn, found: Sequence[Sequence[Answer]]) -> list[Shown]:
    """Return some texts with what is right and what the beams gave."""
    rows = zip(test.sources[:EXAMPLES], test.targets, found, strict=False)
    return [Shown(text, wanted, [answer.text for answer in answers]) for text, wanted, answers in rows]


def baselines(train: Drawn, test: Drawn) -> list[Classic]:
    """Return the right answers of the commonest translation, and of that of the most similar text."""
    clock = time.monotonic()
    commonest = Counter(train.targets).most_common(1)[0][0]
    right = sum(wanted == commonest for wanted in test.targets) / len(test.targets)
    note = f"always {commonest[:40]!r}"
    rows = [Classic("commonest translation", right, time.monotonic() - clock, note)]
    clock = time.monotonic()
    near = nearest_translations(train, test.sources)
    right = sum(a == b for a, b in zip(near, test.targets, strict=True)) / len(near)
    note = f"of {min(len(train.sources), LEARNED_FROM):,} texts, by their groups of 1 to 3 characters"
    return [*rows, Classic("translation of the nearest text", right, time.monotonic() - clock, note)]


def nearest_translations(train: Drawn, texts: Sequence[str]) -> list[str]:
    """Return for each text the translation of the most similar one: cosines of n-gram counts, TF-IDF."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False)
    known = grams.fit_transform(train.sources[:LEARNED_FROM])
    near: list[str] = []
    for at in range(0, len(texts), 100):
        cosines = grams.transform(texts[at : at + 100]) @ known.T
        near += [train.targets[place] for place in cosines.toarray().argmax(1)]
    return near
