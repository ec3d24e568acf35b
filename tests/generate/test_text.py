"""A language model of a text, against a source of known entropy, its n-grams, and itself resumed."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ansatz
from ansatz.core import BadInput, Status
from ansatz.data.tokens import TokenBlocks
from ansatz.generate import text_budget
from ansatz.generate.autoregressive import generate
from ansatz.generate.choice import Choice
from ansatz.generate.markov import random_chain
from ansatz.generate.ngram import fit_ngram
from ansatz.generate.ngram_map import NGramMap, Residual
from ansatz.generate.text import find_text, generate_text, make_ready_text, train_text
from ansatz.generate.text_budget import LADDER, fill, plan
from ansatz.generate.text_measure import compressed_bits, judge_tokens, longest_copy
from ansatz.generate.text_model import TextModel, load_text_model
from ansatz.generate.text_network import Linear, TextData, TextNetwork, inner_matrices, next_token
from ansatz.generate.text_report import command
from ansatz.generate.text_settings import TextSettings, sort_out_text
from ansatz.maps.transformer import Decoder
from ansatz.training import prepare as prepared
from ansatz.training.devices import ONE, Placement
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

TEXT = "".join(f"{'so it goes' if i % 3 else 'poo-tee-weet'}, said number {i % 17}.\n" for i in range(120))
TINY = {"layers": 1, "size": 16, "heads": 2, "length": 16, "batch": 4}


@pytest.fixture(scope="module")
def small() -> TextModel:
    return generate_text(TEXT, steps=60, seed=3, **TINY)


def test_a_decoder_reaches_the_entropy_rate_of_a_markov_chain():
    chain = random_chain(8, concentration=0.5, seed=1)
    train, held = chain.sample(60_000, seed=2)[0], chain.sample(20_000, seed=3)[0]
    recipe = TextNetwork(layers=1, size=32, heads=2, length=32, batch=32, learning_rate=0.01)
    run = fit(recipe, TextData(train, held, 8), steps=400)
    nats = judge_tokens(run.model, held, 32).nats
    # The mean of -log p of the chain itself over this text differs from the rate by chance alone.
    truth = -chain.log_likelihoods(held)[1:].mean()
    assert nats == pytest.approx(chain.entropy_rate(), rel=0.01)
    assert truth < nats < 1.01 * truth


def test_the_loss_is_the_mean_over_windows():
    recipe = TextNetwork(layers=1, size=8, heads=2, length=5, batch=2)
    model = recipe.decoder(6, jax.random.key(0))
    tokens = np.random.default_rng(0).integers(0, 6, 23)
    blocks = TokenBlocks(tokens, 2, 5)
    state, total, weight = blocks.init(model, jax.random.key(0)), 0.0, 0.0
    for _ in range(blocks.blocks):
        batch, state = blocks.next(state, model, clock_at(0, 1), jax.random.key(0))
        here = float(batch.weight.sum())
        total, weight = total + here * float(next_token(model, batch)[0]), weight + here
    assert weight == 22
    assert judge_tokens(model, tokens, 5).nats == pytest.approx(total / weight, rel=1e-5)
    along = jnp.asarray(np.random.default_rng(1).normal(size=(*batch.tokens[:, 1:].shape, 6)), jnp.float32)
    logits = jax.vmap(model)(batch.tokens[:, :-1]) + along
    logs = jnp.take_along_axis(jax.nn.log_softmax(logits), batch.tokens[:, 1:, None], axis=2)[:, :, 0]
    expected = -float((logs * batch.weight).sum() / batch.weight.sum())
    assert float(next_token(model, batch._replace(along=along))[0]) == pytest.approx(expected, rel=1e-5)


def test_an_ngram_as_a_map_equals_the_ngram():
    tokens = np.random.default_rng(0).integers(0, 5, 400)
    gram = fit_ngram(tokens, order=4, size=5)
    grams = NGramMap(gram)
    text = np.random.default_rng(1).integers(0, 5, 30)
    logs = np.asarray(grams(jnp.asarray(text, jnp.int32)))
    # Row i of these is what comes at place i; the map's row i is what follows.
    np.testing.assert_allclose(logs[:-1], gram.log_probabilities(text)[1:], atol=1e-5)
    np.testing.assert_allclose(np.exp(logs).sum(1), 1, atol=1e-5)
    logits, carry = grams.prefill(jnp.asarray([0, 0, *text[:7]], jnp.int32), skip=jnp.asarray(2, jnp.int32))
    np.testing.assert_allclose(logits, logs[6], atol=1e-6)
    np.testing.assert_allclose(grams.step(carry, jnp.asarray(text[7], jnp.int32))[0], logs[7], atol=1e-6)


def test_a_residual_is_the_sum_and_writes_as_without_a_cache():
    model, tokens = Residual.example(jax.random.key(0))
    np.testing.assert_allclose(model(tokens), model.network(tokens) + model.grams.value(tokens), atol=1e-6)
    written = generate(model, [[1, 2], [3]], 6, choice=Choice(0.0))
    for prompt, row in zip(([1, 2], [3]), written.tokens, strict=True):
        text = list(prompt)
        for _ in range(6):
            text.append(int(jnp.argmax(model(jnp.asarray(text))[-1])))
        assert row.tolist() == text[len(prompt) :]


def test_a_network_that_corrects_an_ngram_is_better_than_both():
    chain = random_chain(6, order=2, concentration=0.3, seed=0)
    text = "".join(map("abcdef".__getitem__, chain.sample(9000, seed=1)[0]))
    options = {"steps": 150, "order": 2, "layers": 1, "size": 32, "heads": 2, "length": 16, "batch": 16}
    model = generate_text(text[:4000] + "\n" + text[4000:], residual=True, **options)
    gram = next(one for one in model.evaluation.baselines if one.name == "Kneser-Ney 2-gram")
    assert model.bits_per_character < 0.97 * gram.bits
    assert isinstance(model.model, Residual)


def test_what_is_written_is_reproduced_and_streamed(small):
    text = small.sample("so it", 40, seed=5)
    assert len(text) == 40 and text == small.sample("so it", 40, seed=5)
    assert text != small.sample("so it", 40, seed=6)
    assert "".join(small.stream("so it", 40, seed=5)) == text
    assert small.sample(["so it", "poo"], 40, seed=5)[0] == text
    assert small.sample("so", 50, temperature=0.0) == small.sample("so", 50, temperature=0.0, seed=9)
    assert "\n" not in small.sample("so it", 200, stop="\n", seed=1)[:-1]
    assert len(small.sample("", 7)) == 7


def test_it_learns_and_is_compared(small):
    found = small.evaluation
    uniform = next(one.bits for one in found.baselines if one.name == "uniform")
    assert small.bits_per_character < 0.8 * uniform == pytest.approx(0.8 * math.log2(small.tokenizer.size))
    assert {one.name for one in found.baselines} == {"Kneser-Ney 6-gram", "gzip", "bzip2", "xz", "uniform"}
    assert sum(found.judged.count) == len(TEXT) - int(0.9 * len(TEXT)) - 1
    assert 0 < found.judged.calibration < 0.5
    for one in found.samples:
        assert one.copied.piece in TEXT and len(one.copied.piece) == one.copied.length


def test_attention_is_of_the_prompt(small):
    maps, names = small.attention("so it")
    assert maps.shape == (1, 2, 5, 5) and names == list("so it")
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    assert np.triu(maps[0, 0], 1).max() == 0


def test_saved_and_loaded_is_the_same(small, tmp_path):
    small.save(tmp_path / "run")
    again = load_text_model(tmp_path / "run")
    assert again.sample("so it", 30, seed=1) == small.sample("so it", 30, seed=1)
    assert again.evaluation == small.evaluation and again.settings == small.settings
    assert again.tokenizer == small.tokenizer and again.bits_per_character == small.bits_per_character
    assert TextModel.load(tmp_path / "run").report() == (tmp_path / "run" / "report.html").read_text()


def test_the_report_shows_what_was_measured(small):
    page = small.report()
    for words in (
        "Kneser-Ney 6-gram",
        "bits a character",
        "Calibration",
        "characters copied",
        "layer 1, head 2",
    ):
        assert words in page
    assert "<script" not in page
    assert "generate_text(text, steps=60, seed=3" in command(small)


def test_longest_copy_is_the_longest():
    draw = np.random.default_rng(0)
    source = "".join(draw.choice(list("abc"), 300))
    text = "".join(draw.choice(list("abc"), 40))
    pieces = {text[i:j] for i in range(40) for j in range(i + 1, 41)}
    longest = max((piece for piece in pieces if piece in source), key=len)
    assert longest_copy(text, source).length == len(longest)
    assert longest_copy("xyz", source).length == 0 == longest_copy("", source).length


def test_compressors_need_few_bits_for_what_they_have_seen():
    draw = np.random.default_rng(0)
    noise = "".join(draw.choice(list("abcdefgh"), 4000))
    assert (
        compressed_bits(noise, noise[:500])["xz"]
        < 0.5
        < 2.9
        < compressed_bits(noise, noise[::-1])["xz"]
        < 3.5
    )


def test_muon_takes_the_blocks_matrices_alone():
    model = TextNetwork(layers=1, size=8, heads=2, length=4, batch=1).decoder(5, jax.random.key(0))
    theta = jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else None, model)
    dimensions = inner_matrices(theta)
    assert dimensions.embedding.table.weight is None and dimensions.stack.last.scale is None
    assert dimensions.stack.blocks[0].feed_forward.first.weight is not None


def test_the_linear_schedule_rises_and_falls():
    factor = Linear(0.1)
    assert [round(float(factor(t)), 4) for t in (0, 0.05, 0.1, 0.55, 1)] == [0, 0.5, 1, 0.5, 0]
    assert float(Linear(0.0)(0.0)) == 1


class Timed:
    """A driver that was compiled in no time."""

    name = "stepped"

    place, compile_seconds = ONE, 0.0

    @property
    def program(self) -> "Timed":
        return self


@pytest.mark.parametrize("speed", [1e8, 1e9, 1e10, 1e11, 1e13])
@pytest.mark.parametrize("guess", [0.01, 1.0, 100.0])
def test_the_budget_chooses_a_rung_whose_tokens_fit(monkeypatch, speed, guess):
    def timed(recipe: TextNetwork, data: TextData, seed: int) -> tuple[Timed, float]:
        return Timed(), text_budget.operations(recipe, 65) / speed

    monkeypatch.setattr(text_budget, "_speed", lambda: guess * speed)
    monkeypatch.setattr(text_budget, "timed_driver", timed)
    data, told = TextData(np.zeros(10**6, np.int32), np.zeros(10**5, np.int32), 65), []
    found = plan(TextNetwork(), data, 180.0, tell=told.append)
    at = next(i for i, rung in enumerate(LADDER) if fill(TextNetwork(), rung, 10**5) == found.recipe)
    seen = found.steps * found.recipe.batch * found.recipe.length
    assert seen <= 2 * LADDER[at].tokens
    assert at == 0 or seen >= LADDER[at - 1].tokens / 2
    assert found.steps * text_budget.operations(found.recipe, 65) / speed <= 180
    assert f"{found.steps:,} steps" in found.words
    assert bool(told) or guess == 1.0 or at in (0, len(LADDER) - 1)


def test_given_sizes_stay_and_short_texts_get_short_windows():
    data = TextData(np.zeros(300, np.int32), np.zeros(30, np.int32), 5)
    found = fill(
        TextNetwork(layers=3, size=36, batch=2), LADDER[2], min(len(data.train), len(data.validation))
    )
    assert (found.layers, found.size, found.heads, found.length, found.batch) == (3, 36, 1, 29, 2)


def test_what_the_budget_timed_is_not_compiled_again():
    settings, recipe = sort_out_text({"steps": 3, **TINY})
    ready = make_ready_text(find_text(TEXT), settings, recipe)
    known = list(prepared._programs)
    run = train_text(ready)
    assert run.status is Status.finished and run.step == 3
    assert all(a is b for a, b in zip(known, prepared._programs, strict=True))


def test_interrupted_and_resumed_is_unbroken():
    settings, recipe = sort_out_text({"steps": 12, "every": 5, **TINY, "dropout": 0.1})
    ready = make_ready_text(find_text(TEXT), settings, recipe)
    whole = train_text(ready)
    for stop in (1, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ansatz.training.fit.CHUNK", 1)
            part = train_text(
                ready, [lambda event, stop=stop: Status.stopped if event.step == stop else None]
            )
        assert part.status is Status.stopped and part.step == stop
        rest = train_text(ready, resume=part)
        for a, b in zip(jax.tree.leaves(whole.model), jax.tree.leaves(rest.model), strict=True):
            assert np.array_equal(a, b)


def test_one_and_two_devices_agree_in_double_precision():
    with jax.enable_x64(True):
        data = TextData(np.random.default_rng(0).integers(0, 9, 500), np.arange(40) % 9, 9)
        recipe = TextNetwork(**TINY)
        runs = [
            fit(recipe, data, steps=20, placement=place, driver="stepped")
            for place in (ONE, Placement("batch", 2))
        ]
        for a, b in zip(*(jax.tree.leaves(run.model) for run in runs), strict=True):
            assert a.dtype != jnp.float32
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_decoder_of_positions_without_end_reads_more_than_its_length(small):
    assert isinstance(small.model, Decoder)
    assert len(small.sample(TEXT[:100], 50)) == 50


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a\n", {}, "needs 1 \\+ 1"),
        ("\n" * 5, {"length": 64}, "needs 64 \\+ 1"),
        (TEXT, {"layer": 2}, "There is no setting 'layer'; did you mean 'layers'"),
        (TEXT, {"tokenizer": "letters"}, "no tokenizer 'letters'"),
        (TEXT, {"budget": "soon"}, "The budget 'soon' is no time"),
        (TEXT, {"budget": -1.0}, "budget=-1.0 is no time"),
        (TEXT, {"optimizer": "adam"}, "There is no optimizer 'adam'; did you mean 'adamw'"),
        (TEXT, {"positions": "ropes"}, "did you mean 'rope'"),
        (TEXT, {"size": 10, "heads": 3, "steps": 1}, "cannot cut 10 components into 3 heads"),
        (TEXT, {"steps": -1}, "steps=-1 is too small"),
        (TEXT, {"validation": 1.0}, "validation=1.0 is no share"),
        (TEXT, {"dropout": 1.0}, "dropout=1.0 is no share"),
        (TEXT, {"schedule": "linera"}, "no schedule 'linera'"),
        ("nowhere.txt", {}, "nowhere.txt is not there"),
    ],
)
def test_bad_input_is_one_sentence(text, options, says):
    with pytest.raises(BadInput, match=says):
        generate_text(text, **options)


def test_prompts_that_cannot_be_spelled_are_refused(small):
    with pytest.raises(BadInput, match="'€'"):
        small.sample("so €")
    with pytest.raises(BadInput, match="'it' is 2 tokens"):
        small.sample("so", stop="it")
    with pytest.raises(BadInput, match="0 tokens"):
        small.sample("so", 0)


def test_a_folder_of_something_else_is_refused(small, tmp_path):
    from ansatz.store import RunFolder, Snapshot

    with RunFolder.create(tmp_path / "other") as folder:
        folder.finish(Snapshot(info={"kind": "table"}))
    with pytest.raises(BadInput, match="a run of kind 'table', not a model of a text"):
        load_text_model(tmp_path / "other")
    snapshot, _ = small.files(report=False)
    snapshot.info["text"]["tokenizer"] |= {"alphabet": "abc"}
    with RunFolder.create(tmp_path / "odd") as folder:
        folder.finish(snapshot)
    with pytest.raises(BadInput, match="a tokenizer of 3; the two do not belong together"):
        load_text_model(tmp_path / "odd")


def test_bytes_are_streamed_as_whole_characters():
    model = generate_text("é€é\n" * 200, steps=5, tokenizer="bytes", baselines=False, **TINY)
    text = "".join(model.stream("é", 40, temperature=0.5, seed=2))
    assert text == model.sample("é", 40, temperature=0.5, seed=2)


def test_it_is_public():
    assert ansatz.generate_text is generate_text
    assert dataclasses.replace(TextSettings(), seed=1).seed == 1
