"""A language model of a text: it writes, says what it was measured to be worth, and is kept in a folder."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.data.tokenizers import tokenizer_from_json
from ansatz.data.vocabulary import Tokenizer
from ansatz.generate.autoregressive import generate, pieces
from ansatz.generate.choice import Choice
from ansatz.generate.text_measure import Baseline, Copied, Judged
from ansatz.generate.text_network import TextNetwork
from ansatz.generate.text_settings import TextSettings
from ansatz.results.kept import Kept
from ansatz.store.finished import finished
from ansatz.training.run import Run, from_snapshot

KIND = "text"


@dataclasses.dataclass(frozen=True)
class Sample:
    """A text that a model wrote, and the longest piece of it that the training text holds."""

    temperature: float
    text: str
    copied: Copied


@dataclasses.dataclass(frozen=True)
class TextEvaluation:
    """What was measured on the validation part of a text.

    `bits` are the network's bits a character, `judged` the figures behind it; `baselines` those of classical
    models; `samples` are texts it wrote after `prompt`, and `own` is the longest piece of the validation part
    of the same length that stands in the training part: what copying is by chance.
    """

    bits: float
    judged: Judged
    baselines: list[Baseline]
    prompt: str
    samples: list[Sample]
    own: Copied

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as JSON."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(found: dict[str, Any]) -> "TextEvaluation":
        """Return the evaluation that `to_json` wrote."""
        samples = [Sample(**(one | {"copied": Copied(**one["copied"])})) for one in found["samples"]]
        judged, own = Judged(**found["judged"]), Copied(**found["own"])
        baselines = [Baseline(**one) for one in found["baselines"]]
        return TextEvaluation(found["bits"], judged, baselines, found["prompt"], samples, own)


@dataclasses.dataclass(frozen=True)
class TextModel(Kept):
    """A trained model of a text.

    `model` writes tokens and `tokenizer` makes text of them; `run` is the training, `evaluation` what it is
    worth, `source` where the text came from and how long it is, `remarks` what the reader should know.
    """

    run: Run
    model: Any
    tokenizer: Tokenizer
    evaluation: TextEvaluation
    recipe: TextNetwork
    settings: TextSettings
    source: dict[str, Any]
    remarks: tuple[str, ...]

    @property
    def bits_per_character(self) -> float:
        """The bits that the model needs for a character of the validation part."""
        return self.evaluation.bits

    def sample(
        self,
        prompt: str | Sequence[str] = "",
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        stop: str = "",
        seed: int = 0,
    ) -> Any:
        """Return what the model writes after a prompt: the text, or a list of texts for a list of prompts.

        `length` counts tokens; `temperature`, `top_k`, `top_p` and `min_p` are those of `Choice`, and `stop`
        is a text of one token at which a sequence ends.  The same seed gives the same text.

        Raises:
            BadInput: for a prompt with unknown characters, or a number out of range.
        """
        many = not isinstance(prompt, str)
        prompts = [self.tokens(one) for one in (prompt if many else [prompt])]
        choice = Choice(temperature, top_k, top_p, min_p)
        written = generate(self.model, prompts, length, choice=choice, stop=self._stops(stop), seed=seed)
        texts = [self.tokenizer.decode(row) for row in written.sequences]
        return texts if many else texts[0]

    def stream(
        self,
        prompt: str = "",
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        stop: str = "",
        seed: int = 0,
    ) -> Iterator[str]:
        """Yield what `sample` returns piece by piece, as it is written."""
        choice = Choice(temperature, top_k, top_p, min_p)
        tokens: list[int] = []
        shown = ""
        for part in pieces(
            self.model, [self.tokens(prompt)], length, choice=choice, stop=self._stops(stop), seed=seed
        ):
            tokens += part.sequences[0].tolist()
            # A character may need bytes that are still to come.
            text = self.tokenizer.decode(np.asarray(tokens, np.int32)).rstrip("\ufffd")
            if text.startswith(shown) and len(text) > len(shown):
                yield text[len(shown) :]
                shown = text
        whole = self.tokenizer.decode(np.asarray(tokens, np.int32))
        if len(whole) > len(shown):
            yield whole[len(shown) :]

    def tokens(self, prompt: str) -> np.ndarray:
        """Return the tokens of a prompt; of an empty one, the token that begins a text, or a line."""
        found = self.tokenizer.encode(prompt)
        if len(found):
            return found
        if "begin" in self.tokenizer.specials:
            return np.asarray([self.tokenizer.begin], np.int32)
        return np.asarray([self.tokenizer.index.get("\n", self.tokenizer.index.get("0A", 0))], np.int32)

    def attention(self, prompt: str) -> tuple[np.ndarray, list[str]]:
        """Return the P_ij of every layer and head, `[layers, heads, T, T]`, and the prompt's T tokens."""
        return self.attention_to(self.tokens(prompt))

    def attention_to(self, tokens: Any) -> tuple[np.ndarray, list[str]]:
        """Return as `attention` for tokens `[T]`."""
        names = self.tokenizer.names
        return np.asarray(_attention(self.model, jnp.asarray(tokens))), [names[token] for token in tokens]

    def page(self) -> str:
        """Return the report as one HTML page."""
        from ansatz.generate.text_report import text_page

        return text_page(self)

    @staticmethod
    def load(path: Any) -> "TextModel":
        """Return the model in a folder; nothing in it is executed."""
        return load_text_model(path)

    def files(self, *, report: bool = True) -> tuple[Any, dict[str, bytes]]:
        """Return the snapshot and the further files of the folder, with or without a report."""
        record = {
            "settings": dataclasses.asdict(self.settings),
            "tokenizer": self.tokenizer.to_json(),
            "source": self.source,
            "evaluation": self.evaluation.to_json(),
            "remarks": [one for one in self.remarks if one not in self.run.remarks],
        }
        result = {"metric": "bits per character", "value": self.bits_per_character}
        snapshot = self.run.snapshot(kind=KIND, result=result, **{KIND: record})
        snapshot.model = self.model
        return snapshot, {"report.html": self.report().encode()} if report else {}

    def _stops(self, stop: str) -> list[int]:
        stops = [self.tokenizer.end] if "end" in self.tokenizer.specials else []
        if stop:
            found = self.tokenizer.encode(stop)
            if len(found) != 1:
                raise BadInput(f"The stop {stop!r} is {len(found)} tokens; it should be one.")
            stops.append(int(found[0]))
        return stops


@eqx.filter_jit
def _attention(model: Any, tokens: Any) -> Any:
    return model.attention(tokens)


def load_text_model(path: Any) -> TextModel:
    """Load a model from its folder; only known classes are built, and nothing in it is executed.

    Raises:
        BadInput: if the folder holds no finished run of a text.
    """
    snapshot, record, remarks = finished(path, KIND, "a model of a text", "generate text")
    try:
        tokenizer = tokenizer_from_json(record["tokenizer"])
        settings = TextSettings(**record["settings"])
        evaluation = TextEvaluation.from_json(record["evaluation"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path} does not say what was trained: {error!r}.") from None
    _check_fits(snapshot.model, tokenizer, path)
    run = from_snapshot(snapshot, remarks)
    return TextModel(
        run, snapshot.model, tokenizer, evaluation, snapshot.recipe, settings, dict(record["source"]),
        (*record["remarks"], *remarks),
    )  # fmt: skip


def _check_fits(model: Any, tokenizer: Tokenizer, path: Any) -> None:
    """Raise `BadInput` for a model whose vocabulary is not the tokenizer's."""
    network = getattr(model, "network", model)
    embedding = getattr(network, "embedding", None)
    if embedding is None:
        raise BadInput(f"{path} holds a {type(model).__name__}, which is no model of a text.")
    if embedding.vocabulary != tokenizer.size:
        raise BadInput(
            f"{path} holds a model of {embedding.vocabulary} tokens and a tokenizer of {tokenizer.size}; the "
            "two do not belong together."
        )
