"""A trained translator: it answers, says what it was measured to be worth, and is kept in a folder."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ansatz.core import BadInput
from ansatz.data.tokenizers import tokenizer_from_json
from ansatz.generate.translate import Answer, FittedTranslator, Translator
from ansatz.generate.translate_tasks import CHECKS, TASKS
from ansatz.generate.translation_settings import TranslationSettings
from ansatz.maps.encoder_decoder import EncoderDecoder
from ansatz.results.kept import Kept
from ansatz.results.numbers import Interval
from ansatz.store.finished import finished
from ansatz.training.run import Run, from_snapshot

KIND = "translation"


@dataclasses.dataclass(frozen=True)
class Group:
    """The share of right answers among the `count` texts of a group."""

    name: str
    count: int
    right: float


@dataclasses.dataclass(frozen=True)
class Classic:
    """The share of right answers of a method without a network, and the seconds it took."""

    name: str
    right: float
    seconds: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Shown:
    """A text of the test part, its right translation, and the answers, the likeliest first."""

    source: str
    wanted: str
    answers: list[str]


@dataclasses.dataclass(frozen=True)
class TranslationEvaluation:
    """What was measured on the `count` texts of the test part.

    `exact` is the share whose likeliest answer is the right text, `accepted` the share that has an answer
    among the beams which the verifier accepts (None: nothing was verified); `divisors` are the rows of
    `ByDivisor` where greatest common divisors are the task.
    """

    exact: Interval
    count: int
    accepted: float | None
    groups: list[Group]
    divisors: list[Any]
    baselines: list[Classic]
    examples: list[Shown]

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as JSON."""
        return dataclasses.asdict(self) | {"exact": list(self.exact)}

    @staticmethod
    def from_json(found: dict[str, Any]) -> "TranslationEvaluation":
        """Return the evaluation that `to_json` wrote."""
        parts = (("groups", Group), ("baselines", Classic), ("examples", Shown))
        listed: dict[str, Any] = {name: [kind(**one) for one in found[name]] for name, kind in parts}
        divisors = [tuple(row) for row in found["divisors"]]
        return TranslationEvaluation(
            **(found | listed | {"exact": Interval(*found["exact"]), "divisors": divisors})
        )


@dataclasses.dataclass(frozen=True)
class TranslationModel(Kept):
    """A trained translator with what it is worth, its settings, and where its texts came from."""

    fitted: FittedTranslator
    evaluation: TranslationEvaluation
    recipe: Translator
    settings: TranslationSettings
    source: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def run(self) -> Run:
        """The training."""
        return self.fitted.run

    @property
    def exact(self) -> float:
        """The share of test texts whose likeliest answer is the right text."""
        return self.evaluation.exact.value

    @property
    def accepts(self) -> Callable[[str, str], bool] | None:
        """What verifies an answer: SymPy for derivatives, else nothing."""
        if self.settings.task:
            return TASKS[self.settings.task].accepts
        return CHECKS[self.settings.check]

    def translate(self, texts: Sequence[str], beams: int = 1) -> list[list[Answer]]:
        """Return `beams` answers to each text: verified ones first where answers can be verified.

        Raises:
            BadInput: for a text with unknown characters, an empty one, or one longer than those in training.
        """
        return self.fitted.translate(texts, beams, verify=self.accepts)

    def attention(self, text: str, answer: str) -> Any:
        """Return the P_ij within a text, within an answer and between them, and the tokens of both."""
        return self.fitted.attention(text, answer)

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.generate.translation_report import translation_page

        return translation_page(self)

    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""
        record = {
            "settings": dataclasses.asdict(self.settings),
            "tokenizer": self.fitted.tokenizer.to_json(),
            "lengths": [self.fitted.source_length, self.fitted.target_length],
            "source": self.source,
            "evaluation": self.evaluation.to_json(),
            "remarks": [one for one in self.remarks if one not in self.run.remarks],
        }
        result = {"metric": "right translations", "value": self.exact}
        snapshot = self.run.snapshot(kind=KIND, result=result, **{KIND: record})
        return snapshot, {"report.html": self.report().encode()} if report else {}


def load_translation(path: Any) -> TranslationModel:
    """Load a translator from its folder; only known classes are built, and nothing in it is executed.

    Raises:
        BadInput: if the folder holds no finished run of a translation.
    """
    snapshot, record, remarks = finished(path, KIND, "a translator", "generate translation")
    try:
        tokenizer = tokenizer_from_json(record["tokenizer"])
        settings = TranslationSettings(**record["settings"])
        evaluation = TranslationEvaluation.from_json(record["evaluation"])
        source_length, target_length = map(int, record["lengths"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} does not say what was trained: {error!r}.") from None
    model = snapshot.model
    if not isinstance(model, EncoderDecoder) or model.target.vocabulary != tokenizer.size:
        raise BadInput(
            f"{path} holds a {type(model).__name__} and a tokenizer of {tokenizer.size} tokens; the two do "
            "not belong together."
        )
    fitted = FittedTranslator(from_snapshot(snapshot, remarks), tokenizer, source_length, target_length)
    return TranslationModel(
        fitted, evaluation, snapshot.recipe, settings, dict(record["source"]), (*record["remarks"], *remarks)
    )
