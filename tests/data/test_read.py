"""Tables from every kind of file, and one sentence for every malformed one."""

import gzip
import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data.read import read_table

FRAME = pl.DataFrame({"a": [1, 2, 3], "b": [0.5, None, 2.5], "c": ["x", "y", None]})


def npy(array: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    FRAME.write_parquet(file)
    return file.getvalue()


def arrow() -> bytes:
    file = io.BytesIO()
    FRAME.write_ipc(file)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def huge_header() -> bytes:
    return npy(np.ones((3, 2))).replace(b"(3, 2), }" + b" " * 12, b"(999999999999, 2), }".ljust(21))


MALFORMED = {
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n  \n", "no rows"),
    "header.csv": (b"a,b\n", "no rows of values"),
    "long.csv": (b"a,b\n1,2\n1,2,3\n", "Line 3 of long.csv has 3 fields"),
    "short.csv": (b"a,b\n1,2\n1\n", "Line 3 of short.csv has 1 fields"),
    "comment.csv": (b"# one\n# two\na,b\n1,2\n1\n", "Line 5"),
    "quote.csv": (b'a,b\n"x,2\n3,4\n', "quotation mark near line 2"),
    "nul.csv": (b"a,b\n1,\x002\n", "NUL byte in line 2"),
    "half.csv": (b"\xff\xfea\x00,\x00b", "UTF-16"),
    "named.csv": (parquet(), "is a Parquet file"),
    "excel.csv": (b"PK\x03\x04rest", "XLSX"),
    "old.txt": (b"\xd0\xcf\x11\xe0rest", "save it as .xlsx"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n")[:-9], "gzip"),
    "plain.csv.gz": (b"a,b\n1,2\n", "gzip"),
    "cut.parquet": (parquet()[:-20], "cut short"),
    "not.parquet": (b"a,b\n1,2\n", "not a Parquet file"),
    "marks.parquet": (b"PAR1" + b"\xff" * 60 + b"PAR1", "damaged Parquet"),
    "empty.parquet": (b"", "is empty"),
    "cut.arrow": (arrow()[:-30], "damaged Arrow"),
    "not.feather": (b"hello", "damaged Arrow"),
    "objects.npy": (npy(np.array([{}, None], object), allow_pickle=True), "Python objects"),
    "cut.npy": (npy(np.ones((3, 2)))[:-8], "cut short"),
    "huge.npy": (huge_header(), "GiB"),
    "text.npy": (b"1 2 3", "not a whole NumPy array"),
    "head.npy": (b"\x93NUMPY\x01\x00\xff\xff{'descr'", "not a whole NumPy array"),
    "cube.npy": (npy(np.ones((2, 2, 2))), "a table needs"),
    "complex.npy": (npy(np.ones(3) * 1j), "complex"),
    "scalar.npy": (npy(np.ones(())), "a table needs"),
    "objects.npz": (zipped(**{"a.npy": npy(np.array([{}], object), allow_pickle=True)}), "Python objects"),
    "cut.npz": (npz(x=np.ones(3))[:-30], "not a whole NPZ"),
    "lengths.npz": (npz(x=np.ones(3), y=np.ones(4)), "different lengths"),
    "promise.npz": (zipped(**{"a.npy": huge_header()}), "GiB"),
    "bomb.npz": (zipped(**{"a.npy": bytes(50_000_000)}), "refused"),
    "other.npz": (zipped(**{"a.txt": b"hello"}), "not a whole NumPy array"),
    "none.npz": (zipped(), "no arrays"),
    "junk.h5": (b"junk", "not a whole HDF5"),
    "junk.xlsx": (b"PK\x03\x04junk", "not a whole XLSX"),
    "zip.xlsx": (zipped(a=b"hello"), "not a whole XLSX"),
    "table.foo": (b"a,b\n1,2\n", "ending '.foo'"),
    "table.cvs": (b"a,b\n1,2\n", "did you mean '.csv'"),
    "table": (b"a,b\n1,2\n", "ending ''"),
    "x.npy.gz": (b"a", "ending"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_file_gets_one_sentence(tmp_path: Path, name: str):
    content, words = MALFORMED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_table(tmp_path / name)
    sentence = str(caught.value)
    assert words in sentence
    assert sentence.endswith((".", "?")) and "\n" not in sentence and len(sentence) < 400


HANDLED = {
    "bom.csv": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}, ""),
    "utf16.csv": ("a,b\n1,é\n".encode("utf-16"), {"a": [1], "b": ["é"]}, "UTF-16"),
    "latin.csv": ("a,b\n1,é\n".encode("latin-1"), {"a": [1], "b": ["é"]}, "Latin-1"),
    "semicolon.csv": (b"a;b\n1,5;2\n3,4;x\n", {"a": [1.5, 3.4], "b": ["2", "x"]}, "decimal comma"),
    "bar.csv": (b"a|b\n1|2\n", {"a": [1], "b": [2]}, "bars"),
    "tab.tsv": (b"a\tb\n1\t2\n", {"a": [1], "b": [2]}, ""),
    "space.txt": (b"x  y\n1 2\n 3   4\n", {"x": [1, 3], "y": [2, 4]}, "spaces"),
    "hash.dat": (b"# x y\n1 2\n3 4\n", {"x": [1, 3], "y": [2, 4]}, "spaces"),
    "comments.csv": (b"# made\n# by me\na,b\n1,2\n", {"a": [1], "b": [2]}, "comment line"),
    "crlf.csv": (b"a,b\r\n1,2\r\n", {"a": [1], "b": [2]}, ""),
    "cr.csv": (b"a,b\r1,2\r", {"a": [1], "b": [2]}, ""),
    "blanks.csv": (b"\na,b\n\n1,2\n\n\n3,4\n\n", {"a": [1, 3], "b": [2, 4]}, ""),
    "twice.csv": (b"a,a\n1,2\n", {"a": [1], "a_2": [2]}, "more than one column 'a'"),
    "thrice.csv": (b"a,a_2,a\n1,2,3\n", {"a": [1], "a_2": [2], "a_3": [3]}, "more than one column 'a'"),
    "unnamed.csv": (b",b\n1,2\n", {"unnamed_1": [1], "b": [2]}, "has no name"),
    "headless.csv": (b"1,2\n3,4\n", {"column_1": [1, 3], "column_2": [2, 4]}, "no line of column names"),
    "rows.csv": (b"a,b\nr,1,2\ns,1,2\n", {"row_name": ["r", "s"], "a": [1, 1], "b": [2, 2]}, "row_name"),
    "quoted.csv": (b'"a","b"\n"x,1",2\n"y\nz",3\n', {"a": ["x,1", "y\nz"], "b": [2, 3]}, ""),
    "words.csv": (b"a,b\nNA,1\n?,2\n2.5,3\n", {"a": [None, None, 2.5], "b": [1, 2, 3]}, ""),
    "infinite.csv": (b"a,b\ninf,1\n-Inf,2\n", {"a": [np.inf, -np.inf], "b": [1, 2]}, ""),
    "thousands.csv": (b'a,b\n"1,234",1\n"12",2\n', {"a": [1234, 12], "b": [1, 2]}, "thousands"),
    "one.csv": (b"a\n1\n2\n", {"a": [1, 2]}, ""),
    "single.csv": (b"a,b\n1,2", {"a": [1], "b": [2]}, ""),
    "packed.csv.gz": (gzip.compress(b"a,b\n1,2\n"), {"a": [1], "b": [2]}, ""),
}


@pytest.mark.parametrize("name", HANDLED)
def test_odd_text_is_read_and_said(tmp_path: Path, name: str):
    content, columns, words = HANDLED[name]
    (tmp_path / name).write_bytes(content)
    remarks: list[str] = []
    frame = read_table(tmp_path / name, remarks=remarks)
    assert frame.to_dict(as_series=False) == columns
    assert words in " ".join(remarks)
    assert (words == "") == (remarks == [])


def test_stray_words_among_numbers_become_missing_and_are_named(tmp_path: Path):
    lines = ["x,y"] + [f"{i},{i}" for i in range(99)] + ["oops,1"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    remarks: list[str] = []
    frame = read_table(tmp_path / "t.csv", remarks=remarks)
    assert frame["x"].null_count() == 1 and frame["x"].dtype == pl.Float64
    assert "'oops' in row 100" in remarks[0]


def test_missing_file_and_folder_get_the_nearest_name(tmp_path: Path):
    (tmp_path / "nuclei.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match=r"did you mean 'nuclei.csv'"):
        read_table(tmp_path / "nuclie.csv")
    with pytest.raises(BadInput, match=r"is a folder; give a file in it, such as 'nuclei.csv'"):
        read_table(tmp_path)
    with pytest.raises(BadInput, match="There is no folder"):
        read_table(tmp_path / "none" / "a.csv")


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.arrow", "t.feather", "t.xlsx"])
def test_written_table_is_read_back(tmp_path: Path, name: str):
    path = tmp_path / name
    if name.endswith("sv"):
        FRAME.write_csv(path, separator="\t" if name == "t.tsv" else ",")
    elif name == "t.parquet":
        FRAME.write_parquet(path)
    elif name == "t.xlsx":
        pytest.importorskip("xlsxwriter")
        FRAME.write_excel(path)
    else:
        FRAME.write_ipc(path)
    assert read_table(path).equals(FRAME)


def test_arrow_stream_is_read(tmp_path: Path):
    FRAME.write_ipc_stream(tmp_path / "t.arrow")
    assert read_table(tmp_path / "t.arrow").equals(FRAME)


def test_arrays_become_columns(tmp_path: Path):
    np.savez(tmp_path / "t.npz", x=np.arange(6.0).reshape(3, 2), y=np.arange(3))
    assert read_table(tmp_path / "t.npz").columns == ["x_1", "x_2", "y"]
    assert read_table(tmp_path / "t.npz", part="y")["y"].to_list() == [0, 1, 2]
    with pytest.raises(BadInput, match="no part 'z'"):
        read_table(tmp_path / "t.npz", part="z")
    np.save(tmp_path / "t.npy", np.array([(1, 2.5), (3, 4.5)], [("n", "i4"), ("v", ">f8")]))
    assert read_table(tmp_path / "t.npy").to_dict(as_series=False) == {"n": [1, 3], "v": [2.5, 4.5]}


def write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(6.0).reshape(3, 2)
        file["name"] = ["u", "v", "w"]
        file["more/z"] = np.arange(4)


def test_hdf5_is_read_and_its_groups_are_named(tmp_path: Path):
    write_hdf5(tmp_path / "t.h5")
    remarks: list[str] = []
    frame = read_table(tmp_path / "t.h5", remarks=remarks)
    assert frame.columns == ["name", "x_1", "x_2"] and "'more'" in remarks[0]
    assert read_table(tmp_path / "t.h5", part="more/z")["z"].to_list() == [0, 1, 2, 3]
    with pytest.raises(BadInput, match="no part"):
        read_table(tmp_path / "t.h5", part="more/none")


def test_hostile_hdf5_is_refused(tmp_path: Path):
    write_hdf5(tmp_path / "good.h5")
    raw = tmp_path / "secret.bin"
    raw.write_bytes(bytes(80))
    layout = h5py.VirtualLayout((3, 2), "f8")
    layout[:] = h5py.VirtualSource(tmp_path / "good.h5", "x", (3, 2))

    def external(file: h5py.File) -> None:
        file["x"] = h5py.ExternalLink("good.h5", "x")

    def soft(file: h5py.File) -> None:
        file["x"] = h5py.SoftLink("/y")

    def storage(file: h5py.File) -> None:
        file.create_dataset("x", (10,), "f8", external=[(str(raw), 0, 80)])

    def virtual(file: h5py.File) -> None:
        file.create_virtual_dataset("x", layout)

    def bomb(file: h5py.File) -> None:
        file.create_dataset("x", (10**9,), "f8", chunks=(1000,))

    def ragged(file: h5py.File) -> None:
        file.create_dataset("x", (2,), h5py.vlen_dtype("f8"))

    def empty(file: h5py.File) -> None:
        file["x"] = h5py.Empty("f8")

    expected = {
        external: "link to another file",
        soft: "soft link",
        storage: "in another file",
        virtual: "virtual",
        bomb: "are stored",
        ragged: "ragged",
        empty: "is empty",
    }
    for number, (write, words) in enumerate(expected.items()):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            write(file)
        with pytest.raises(BadInput, match=words):
            read_table(path)


def test_frames_in_memory():
    assert read_table(FRAME).equals(FRAME)
    assert read_table(FRAME.lazy()).equals(FRAME)
    assert read_table({"x": np.ones((2, 3)), "y": [1, 2]}).columns == ["x_1", "x_2", "x_3", "y"]
    assert read_table(np.ones((2, 2))).columns == ["column_1", "column_2"]
    assert read_table({"a": [1, "x", 2.5]})["a"].to_list() == ["1", "x", "2.5"]
    for wrong, words in [
        ({"a": [1], "b": [1, 2]}, "Column 'b' has 2"),
        (3.5, "float"),
        ({"a": 3}, "single value"),
    ]:
        with pytest.raises(BadInput, match=words):
            read_table(wrong)
    with pytest.raises(BadInput, match="0 rows"):
        read_table(pl.DataFrame())


def test_pandas_frame_is_read():
    pd = pytest.importorskip("pandas")
    source = pd.DataFrame({"a": [1, None, 3], "c": pd.Categorical(["u", "v", "u"]), "s": ["x", None, "z"]})
    source["t"] = pd.to_datetime(["2020-01-01", None, "2020-01-03"])
    source["i"] = pd.array([1, None, 2], dtype="Int64")
    frame = read_table(source)
    assert frame["s"].to_list() == ["x", None, "z"] and frame["c"].to_list() == ["u", "v", "u"]
    assert frame["t"].null_count() == 1 and frame["t"].dtype == pl.Datetime
    assert frame["a"].fill_nan(None).to_list() == [1.0, None, 3.0]
    assert frame["i"].fill_nan(None).to_list() == [1, None, 2]


FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@FUZZ
@given(
    content=st.binary(max_size=200),
    ending=st.sampled_from([".csv", ".npy", ".npz", ".h5", ".parquet", ".xlsx"]),
)
def test_any_bytes_give_a_table_or_a_sentence(tmp_path: Path, content: bytes, ending: str):
    (tmp_path / f"t{ending}").write_bytes(content)
    try:
        assert read_table(tmp_path / f"t{ending}").height > 0
    except BadInput as error:
        assert "\n" not in str(error)


@FUZZ
@given(content=st.text(alphabet='ab1.,;|\t" \n\r#é-e', max_size=60))
def test_any_text_gives_a_table_or_a_sentence(tmp_path: Path, content: str):
    (tmp_path / "t.csv").write_text(content, encoding="utf-8", newline="")
    try:
        frame = read_table(tmp_path / "t.csv")
        assert frame.height > 0 and len(set(frame.columns)) == frame.width
    except BadInput as error:
        assert "\n" not in str(error)


@FUZZ
@given(
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
    kind=st.sampled_from(["npz", "parquet", "arrow", "npy"]),
)
def test_a_flipped_bit_gives_a_table_or_a_sentence(tmp_path: Path, place: int, bit: int, kind: str):
    whole = {"npz": npz(x=np.ones(3)), "parquet": parquet(), "arrow": arrow(), "npy": npy(np.ones(3))}[kind]
    content = bytearray(whole)
    content[place % len(content)] ^= 1 << bit
    (tmp_path / f"t.{kind}").write_bytes(bytes(content))
    try:
        read_table(tmp_path / f"t.{kind}")
    except BadInput as error:
        assert "\n" not in str(error)
