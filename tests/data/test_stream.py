"""Tables larger than memory, and the user's own iterators."""

import gc
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from ansatz.core import BadInput, Clock, Pairs
from ansatz.data import Batches, Stream

CLOCK = Clock(jnp.asarray(0), jnp.asarray(10))
KEY = jax.random.key(1)
ROWS = 1000


def encode(frame: pl.DataFrame) -> Pairs:
    y = frame.to_series(0).cast(pl.Int32).to_numpy()
    return Pairs(frame.to_series(1).cast(pl.Float32).to_numpy()[:, None], y)


def write(path: Path, rows: int = ROWS) -> Path:
    frame = pl.DataFrame({"n": np.arange(rows), "x": np.arange(rows) / 2, "w": ['a "quoted",\nword'] * rows})
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".parquet":
            frame.write_parquet(path, row_group_size=128)
        case ".arrow":
            frame.write_ipc(path)
        case _:
            np.save(path, frame.select("n", "x").to_numpy())
    return path


def draw(source, state, steps: int):
    batches = []
    for _ in range(steps):
        batch, state = source.next(state, None, CLOCK, KEY)
        batches.append(batch)
    return batches, state


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow", "t.npy"])
def test_each_row_once_an_epoch_in_a_new_order(tmp_path: Path, name: str):
    stream = Stream(write(tmp_path / name), encode, 30, block=64, mix=3)
    assert stream.host and stream.length == ROWS and stream.groups == 6
    batches, state = draw(stream, stream.init(None, KEY), 100)
    assert all(b.y.shape == (30,) and b.x.dtype == np.float32 for b in batches)
    seen = np.concatenate([b.y for b in batches]).reshape(3, ROWS)
    assert (np.sort(seen) == np.arange(ROWS)).all()
    assert not (seen[0] == seen[1]).all()
    assert (np.concatenate([b.x[:, 0] for b in batches]) == np.concatenate(seen) / 2).all()
    assert state.tolist()[2:] == [3, 0, 0]
    assert stream.buffer.largest <= 3 * 64


def test_resume_is_exact(tmp_path: Path):
    path = write(tmp_path / "t.parquet")
    stream = Stream(path, encode, 37, block=64, mix=2)
    _, half = draw(stream, stream.init(None, KEY), 20)
    rest, end = draw(stream, half, 20)
    fresh = Stream(path, encode, 37, block=64, mix=2)
    again, other = draw(fresh, half.copy(), 20)
    assert all((a.y == b.y).all() for a, b in zip(rest, again, strict=True)) and (end == other).all()


def test_a_large_array_is_never_whole_in_memory(tmp_path: Path):
    rows, width = 200_000, 40
    path = tmp_path / "large.npy"
    large = np.lib.format.open_memmap(path, "w+", np.float32, (rows, width))
    large[:, 0] = np.arange(rows)
    large.flush()
    del large
    gc.collect()
    sizes: list[int] = []

    def taken(frame: pl.DataFrame) -> Pairs:
        sizes.append(int(frame.estimated_size()))
        return Pairs(frame.to_numpy(), frame.to_series(0).cast(pl.Int32).to_numpy())

    stream = Stream(path, taken, 1000, block=4096, mix=2)
    batches, _ = draw(stream, stream.init(None, KEY), rows // 1000)
    assert sum(len(b.y) for b in batches) == rows
    assert (np.sort(np.concatenate([b.y for b in batches])) == np.arange(rows)).all()
    assert max(sizes) <= 2 * 4096 * width * 4 < path.stat().st_size / 10
    assert stream.buffer.largest == 2 * 4096


def test_text_without_a_last_line_end_and_decimal_commas(tmp_path: Path):
    (tmp_path / "t.csv").write_text("n;x\n" + "\n".join(f"{i};{i},5" for i in range(7)))
    stream = Stream(tmp_path / "t.csv", encode, 7, block=2, mix=1)
    (batch,), _ = draw(stream, stream.init(None, KEY), 1)
    assert sorted(batch.x[:, 0].tolist()) == [i + 0.5 for i in range(7)]


def test_what_cannot_stream_gets_a_sentence(tmp_path: Path):
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    (tmp_path / "h.csv").write_text("a,b\n")
    (tmp_path / "r.csv").write_text("a,b\n1,2\n1,2,3\n")
    (tmp_path / "c.npy").write_bytes(write(tmp_path / "whole.npy").read_bytes()[:-8])
    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    for name, words in [
        ("t.xlsx", "block by block"),
        ("h.csv", "no rows"),
        ("c.npy", "cut short"),
        ("d.parquet", "damaged"),
        ("none.csv", "There is no file"),
    ]:
        with pytest.raises(BadInput, match=words):
            Stream(tmp_path / name, encode, 2)
    with pytest.raises(BadInput, match="at least 1"):
        Stream(tmp_path / "whole.npy", encode, 0)
    ragged = Stream(tmp_path / "r.csv", encode, 2)
    with pytest.raises(BadInput, match="Rows 1 to 2"):
        ragged.next(ragged.init(None, KEY), None, CLOCK, KEY)


def numbers(epoch: int):
    return iter([np.array([epoch, i]) for i in range(3)])


def test_own_iterator_goes_on_over_epochs_and_resumes():
    source = Batches(numbers)
    assert source.host
    batches, state = draw(source, source.init(None, KEY), 5)
    assert [b.tolist() for b in batches] == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]
    rest, _ = draw(source, state, 3)
    again, _ = draw(Batches(numbers), state, 3)
    assert [b.tolist() for b in again] == [b.tolist() for b in rest] == [[1, 2], [2, 0], [2, 1]]


def test_iterators_that_end_too_early():
    with pytest.raises(BadInput, match="gives no batch"):
        draw(Batches(lambda epoch: iter([])), np.zeros(2, np.int64), 1)
    with pytest.raises(BadInput, match="ended after 3 batches"):
        draw(Batches(numbers), np.array([0, 7]), 1)
