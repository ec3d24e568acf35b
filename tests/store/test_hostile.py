"""Files made to harm: each gets a sentence, and nothing that it names is run."""

import ast
import builtins
import copy
import json
import struct
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.trees import CLASSES, Layer, Moments, same

import ansatz.store
from ansatz.core import BadInput, Fixed, Map
from ansatz.store import decode, encode, known_classes, named, tree_from_bytes, tree_to_bytes
from ansatz.store.columns import columns_from_bytes, columns_to_bytes
from ansatz.store.jsonfile import from_json, parse_json, to_json

KNOWN = {**known_classes(), **named(*CLASSES)}
LAYER = encode(Layer(np.ones((2, 3), np.float32), None, 2))


def altered(**changes):
    """Return the saved layer with some entries of its description replaced."""
    spec, arrays = copy.deepcopy(LAYER[0]), dict(LAYER[1])
    node = spec["tree"]
    for name, value in changes.items():
        target = node["fields"]["weight"] if name in ("array", "dtype", "shape", "of") else node
        target[name] = value
    return spec, arrays


def fields(**changes):
    kept = {**LAYER[0]["tree"]["fields"], **changes}
    return {name: value for name, value in kept.items() if value is not ...}


HOSTILE = {
    "unknown class": (altered(module="os.system"), "'os.system', which this program does not know"),
    "misspelled class": (altered(module="tests.store.trees.Lyer"), r"nearest: tests\.store\.trees\.Layer"),
    "class that is no text": (altered(module=["os"]), "does not know"),
    "function": (altered(module="ansatz.core.over_batch"), "does not know"),
    "abstract class": (altered(module="ansatz.core.Map"), "Map, which is not a module that can be built"),
    "tuple as module": (altered(module="tests.store.trees.Moments"), "is not a module that can be built"),
    "missing field": (altered(fields=fields(bias=...)), "is a Layer without its field 'bias'"),
    "extra field": (altered(fields=fields(more=1)), "is a Layer, which has no field 'more'"),
    "class attribute": (altered(fields=fields(__class__="x")), "has no field '__class__'"),
    "method": (altered(fields=fields(__call__=1)), "has no field '__call__'"),
    "fields as list": (altered(fields=[1, 2]), "is a Layer without its field"),
    "dtype": (altered(dtype="object"), "is an array of 'object'; known are bool"),
    "dtype as list": (altered(dtype=["i4", "f4"]), "is an array of"),
    "other dtype": (altered(dtype="float64"), r"should be float64\[2, 3\], .* is float32\[2, 3\]"),
    "other shape": (altered(shape=[3, 2]), r"should be float32\[3, 2\]"),
    "huge shape": (altered(shape=[2**40, 2**40]), "should be float32"),
    "negative shape": (altered(shape=[-1, 6]), "is not a list of lengths"),
    "truth as length": (altered(shape=[True, 6]), "is not a list of lengths"),
    "long shape": (altered(shape=[1] * 10**5), "should be float32"),
    "other array": (altered(array="../../etc/passwd"), "needs the array '../../etc/passwd', which is not"),
    "kind": (altered(of="pickle"), "of kind 'pickle', not numpy or jax"),
    "scalar of many": (altered(of="scalar"), "of kind 'scalar'"),
    "checked": (altered(checked="yes"), "where true or false should be"),
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_descriptions_get_a_sentence(case):
    (spec, arrays), sentence = HOSTILE[case]
    with pytest.raises(BadInput, match=sentence) as caught:
        decode(spec, arrays, KNOWN)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


NODES = [
    {"__class__": "os.system"},
    {"_target_": "os.system", "command": "false"},
    {"tuple": 3},
    {"tuple": [], "dict": {}},
    {"dict": []},
    {"dict": {1: 2}},
    {"float": "1e5"},
    {"float": 3},
    {"complex": [1.0]},
    {"complex": [1, "x"]},
    {"key": "mine", "array": "weight", "shape": [2]},
    {"key": ["rbg"], "array": "weight", "shape": [2]},
    {"namedtuple": "ansatz.core.Fixed", "fields": {"value": 1}},
    {"namedtuple": "tests.store.trees.Moments", "fields": {"count": 1}},
    {"namedtuple": "tests.store.trees.Moments", "fields": None},
    {},
    float("nan"),
    b"bytes",
    object(),
    (1, 2),
    {1: 2},
]


@pytest.mark.parametrize("node", NODES, ids=[str(i) for i in range(len(NODES))])
def test_nodes_that_are_never_written_are_refused(node):
    with pytest.raises(BadInput):
        decode({"schema": 1, "tree": node}, LAYER[1], KNOWN)


@pytest.mark.parametrize(
    "spec", [None, [], {}, {"schema": 1}, {"schema": "1", "tree": 1}, {"schema": True, "tree": 1}]
)
def test_what_is_no_description_is_refused(spec):
    with pytest.raises(BadInput, match="no description of a saved tree"):
        decode(spec, {}, KNOWN)


def test_a_newer_schema_is_said_to_be_newer():
    with pytest.raises(BadInput, match="schema 7 and this version reads 1; use a newer Ansatz"):
        decode({"schema": 7, "tree": None}, {}, KNOWN)


def test_arrays_are_used_exactly_once():
    node = {"array": "a", "dtype": "int8", "shape": [], "of": "numpy"}
    arrays = {"a": np.ones((), np.int8)}
    with pytest.raises(BadInput, match="which another part uses already"):
        decode({"schema": 1, "tree": [node, node]}, arrays, KNOWN)
    with pytest.raises(BadInput, match="The array 'b' belongs to no part"):
        decode({"schema": 1, "tree": node}, {**arrays, "b": arrays["a"]}, KNOWN)


def test_truth_values_are_zero_or_one():
    node = {"array": "a", "dtype": "bool", "shape": [2], "of": "numpy"}
    with pytest.raises(BadInput, match="a byte other than 0 and 1"):
        decode({"schema": 1, "tree": node}, {"a": np.array([1, 2], np.uint8).view(np.bool_)}, {})


def test_depth_is_bounded_before_the_stack_is():
    node: object = 0
    for _ in range(10**5):
        node = [node]
    with pytest.raises(BadInput, match="nested more than"):
        decode({"schema": 1, "tree": node}, {}, {})
    with pytest.raises(BadInput, match="nested too deeply"):
        parse_json(b"[" * 10**5 + b"]" * 10**5, "run.json")
    while node:  # taken apart from outside, for freeing it at once would go as deep
        node = node[0]  # type: ignore[index]


def safetensors_file(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


SPEC = json.dumps({"schema": 1, "tree": None})
FILES = {
    "empty": b"",
    "short": b"\0\0",
    "text": b"hello, this is no tensor file at all",
    "endless header": struct.pack("<Q", 2**62) + b"{}",
    "other program": safetensors_file(b"{}"),
    "no tree": safetensors_file(json.dumps({"__metadata__": {"ansatz": "[]"}}).encode()),
    "not JSON": safetensors_file(json.dumps({"__metadata__": {"ansatz": "import os"}}).encode()),
    "nested": safetensors_file(json.dumps({"__metadata__": {"ansatz": "[" * 10**5}}).encode()),
    "huge": safetensors_file(
        json.dumps({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}).encode(), b"0000"
    ),
    "overlap": safetensors_file(
        json.dumps(
            {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}
            | {"__metadata__": {"ansatz": SPEC}}
        ).encode(),
        b"0000",
    ),
    "brain float": safetensors_file(
        json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode(), b"00"
    ),
    "pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94",
}


@pytest.mark.parametrize("case", sorted(FILES))
def test_hostile_safetensors_files_get_a_sentence(case):
    with pytest.raises(BadInput):
        tree_from_bytes(FILES[case], KNOWN)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_arbitrary_damage_to_a_file_is_refused_or_harmless(data):
    whole = tree_to_bytes({"layer": Layer(jnp.ones((2, 2)), np.zeros(2), 2), "m": Moments(1, True)})
    place = data.draw(st.integers(0, len(whole) - 1))
    new = (
        whole[:place]
        + bytes([data.draw(st.integers(0, 255))])
        + whole[place + data.draw(st.integers(0, 3)) :]
    )
    try:
        tree = tree_from_bytes(new, KNOWN)
    except BadInput as refusal:
        assert len(str(refusal)) < 2000
    else:
        assert isinstance(tree, dict)


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(sorted(KNOWN)[:9]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "tuple dict float complex array dtype shape of key module namedtuple fields".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(json_like)
def test_arbitrary_json_is_refused_or_builds_plain_values(node):
    try:
        decode({"schema": 1, "tree": node}, LAYER[1], named(*CLASSES))
    except BadInput as refusal:
        assert len(str(refusal)) < 2000
    else:
        raise AssertionError("the array of the layer was used by nothing")


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1" + b"\xff" * 40 + b"PAR1", columns_to_bytes({"a": np.arange(9)})[:-9]]
)
def test_hostile_columns_get_a_sentence(data):
    with pytest.raises(BadInput, match="no Parquet file that Ansatz wrote"):
        columns_from_bytes(data)


def test_columns_keep_their_bits_and_bytes():
    generator = np.random.default_rng(0)
    floats = np.array([np.nan, -np.nan, -0.0, 0.0, np.inf, 1e-45, 3.0], np.float32)
    floats.view(np.uint32)[0] = 0x7FC00123
    columns = {
        "loss": floats,
        "step": np.arange(7, dtype=np.uint64),
        "good": np.arange(7) % 2 == 0,
        "half": np.arange(7, dtype=np.float16),
        "seeds": generator.normal(size=(7, 3)),
        "grid": generator.normal(size=(7, 2, 2)).astype(np.float32),
        "small θ": np.arange(7, dtype=np.int8),
    }
    data = columns_to_bytes(columns)
    assert columns_to_bytes(columns) == data
    assert same(columns_from_bytes(data), columns)
    empty = {"loss": np.zeros(0, np.float32)}
    assert same(columns_from_bytes(columns_to_bytes(empty)), empty)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, "must be equally long, and they are a: 2, b: 3"),
        ({"a": np.zeros(())}, "a: a number"),
        ({"a": np.array(["x"])}, "is of <U1; known are bool"),
        ({"a": np.zeros((2, 0))}, "its rows are empty"),
    ],
)
def test_columns_that_are_no_table_are_refused(columns, sentence):
    with pytest.raises(BadInput, match=sentence):
        columns_to_bytes(columns)


def test_records_say_what_json_cannot():
    record = {
        "loss": float("nan"),
        "top": [float("-inf"), 1.5],
        "n": np.int64(3),
        "ok": np.bool_(True),
        "t": (1,),
    }
    found = from_json(json.loads(json.dumps(to_json(record), allow_nan=False)))
    assert same(found, {"loss": float("nan"), "top": [float("-inf"), 1.5], "n": 3, "ok": True, "t": [1]})
    for bad in ({"a": {1}}, {"a": {1: 2}}, {"a": np.zeros(2)}, {"float": "x"}, {"a": {"f": len}}):
        with pytest.raises(BadInput, match="info"):
            to_json(bad)
    for text in (b"NaN", b'{"a": Infinity}', b"\xff", b"{", b"1" * 10**4):
        with pytest.raises(BadInput, match="is not JSON"):
            parse_json(text, "run.json")


def test_only_modules_and_named_tuples_of_the_package_are_known():
    known = known_classes()
    assert known["ansatz.core.Fixed"] is Fixed
    assert known["ansatz.core.Map"] is Map
    assert "ansatz.core.BadInput" not in known and "ansatz.errors.BadInput" not in known
    assert all(name.startswith(("ansatz.", "optax.", "equinox.nn.")) for name in known)
    assert all(hasattr(cls, "_fields") or hasattr(cls, "__dataclass_fields__") for cls in known.values())


FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "subprocess", "ctypes", "code"}


def test_no_file_of_the_store_can_run_what_it_reads():
    for path in Path(ansatz.store.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in FORBIDDEN, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, path
            if isinstance(node, ast.Attribute) and node.attr == "import_module":
                assert path.name == "registry.py"


LOAD = """
import pickle, sys
import numpy as np
from ansatz.store import tree_from_bytes, tree_to_bytes, named
from ansatz.store.columns import columns_from_bytes, columns_to_bytes
tree = {"a": np.arange(3), "b": (1, None, 2.5)}
data, table = tree_to_bytes(tree), columns_to_bytes({"loss": np.arange(3.0)})
def refuse(*args, **options):
    raise SystemExit("something was unpickled")
pickle.load = pickle.loads = pickle.Unpickler = refuse
EVENTS = ("pickle.find_class", "os.system", "subprocess.Popen")
sys.addaudithook(lambda event, arguments: event in EVENTS and refuse())
assert tree_from_bytes(data, {})["b"] == (1, None, 2.5)
assert columns_from_bytes(table)["loss"].tolist() == [0, 1, 2]
"""


def test_loading_neither_unpickles_nor_starts_anything():
    path = str(Path(ansatz.store.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r})\n{LOAD}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_building_a_module_calls_no_constructor(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a constructor was called")

    monkeypatch.setattr(Layer, "__init__", refuse)
    monkeypatch.setattr(builtins, "eval", refuse)
    assert decode(*LAYER, KNOWN).width == 2
