"""What a trained model of a text is worth: its bits beside classical models', what it writes and copies."""

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any

from ansatz.generate.ngram_map import NGramMap, Residual
from ansatz.generate.text_measure import Baseline, Copied, compressed_bits, judge_tokens, longest_copy
from ansatz.generate.text_model import Sample, TextEvaluation, TextModel
from ansatz.training.run import Run

if TYPE_CHECKING:
    from ansatz.generate.text import ReadyText

TEMPERATURES = (0.5, 0.8, 1.0)
WRITTEN = 500
"""The tokens of each sample in the report."""


def judged_model(ready: "ReadyText", run: Run) -> Any:
    """Return the map that writes: the trained network, with the n-gram if it learned to correct one."""
    if not ready.settings.residual:
        return run.model
    assert ready.ngram is not None
    return Residual(run.model, NGramMap(ready.ngram))


def judge_text(ready: "ReadyText", run: Run) -> TextModel:
    """Measure a trained network on the validation part, beside the classical models, and let it write."""
    model = judged_model(ready, run)
    corpus, settings, recipe = ready.corpus, ready.settings, ready.recipe
    cut = int(len(ready.text) * (1 - settings.validation))
    train, held = ready.text[:cut], ready.text[cut:]
    judged = judge_tokens(model, corpus.validation, recipe.length)
    # A character may be several tokens, or a token several characters.
    scale = len(corpus.validation) / len(held) / math.log(2)
    nothing = TextEvaluation(judged.nats * scale, judged, [], "", [], Copied(0, ""))
    remarks = (*ready.remarks, *run.info["remarks"])
    found = TextModel(run, model, corpus.tokenizer, nothing, recipe, settings, ready.source, remarks)
    prompt = _first_line(held)
    samples = []
    for temperature in TEMPERATURES:
        text = found.sample(prompt, WRITTEN, temperature, seed=settings.seed)
        samples.append(Sample(temperature, text, longest_copy(prompt + text, train)))
    own = longest_copy(held[: len(prompt) + WRITTEN], train)
    baselines = _baselines(ready, train, held, scale) if settings.baselines else []
    whole = TextEvaluation(judged.nats * scale, judged, baselines, prompt, samples, own)
    return dataclasses.replace(found, evaluation=whole)


def _baselines(ready: "ReadyText", train: str, held: str, scale: float) -> list[Baseline]:
    """Return what classical models need for a character of the validation part."""
    ngram, tokens = ready.ngram, ready.corpus.validation
    found = []
    if ngram is not None:
        clock = time.monotonic()
        bits = ngram.nats(tokens) * scale
        seconds = ready.counted + time.monotonic() - clock
        inside = ngram.nats(tokens, window=ready.recipe.length) * scale
        note = f"counted; {inside:.3f} where contexts end at the windows that the network sees"
        found.append(Baseline(f"Kneser-Ney {ngram.order}-gram", bits, seconds, note))
    clock = time.monotonic()
    squeezed = compressed_bits(train, held)
    seconds = (time.monotonic() - clock) / len(squeezed)
    found += [Baseline(name, bits, seconds, "a compressor") for name, bits in squeezed.items()]
    uniform = math.log(ready.data.size) * scale
    return [*found, Baseline("uniform", uniform, 0.0, f"{ready.data.size} tokens, all equally likely")]


def _first_line(text: str, most: int = 40) -> str:
    """Return how a text begins, at most so many characters of its first line that is not empty."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return line[:most]
