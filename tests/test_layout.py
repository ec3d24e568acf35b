"""The shape of the code: budgets, forbidden words, layers, and what the package shows to the outside."""

import ast
import importlib
import inspect
import os
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import ansatz

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ansatz"
FILES = sorted(SOURCE.rglob("*.py"))
FILE, MEDIAN, FUNCTION, METHODS, PARAMETERS = 400, 250, 80, 16, 9
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
# They import the package itself, or a file that the user names on the command line; never what data name.
IMPORTERS = {"__init__.py", "store/registry.py", "store/source_file.py", "cli/main.py"}
LOADERS = {"import_module", "run_path", "run_module", "spec_from_file_location", "exec_module"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_names() -> list[str]:
    """Return the dotted name of every module of the package."""
    return ["ansatz", *(found.name for found in pkgutil.walk_packages([str(SOURCE)], "ansatz."))]


def name_of(node: ast.expr) -> str:
    """Return the dotted name that an expression spells, or nothing."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def oversized(text: str) -> list[str]:
    """Return what is larger than the budget: the file, its functions, its classes."""
    found = [] if text.count("\n") <= FILE else [f"file of {text.count(chr(10))} lines"]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            arguments = len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs)
            public = not node.name.startswith("_")
            found += [f"{node.name}: {lines} lines"] if lines > FUNCTION else []
            found += [f"{node.name}: {arguments} parameters"] if public and arguments > PARAMETERS + 1 else []
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(one, FUNCTIONS) for one in node.body)
            found += [f"{node.name}: {methods} methods"] if methods > METHODS else []
    return found


def unsafe(text: str) -> list[str]:
    """Return the words that run or rebuild what data say, and `global`, with their lines."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        found += [f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in UNSAFE_MODULES]
        if isinstance(node, ast.Call) and name_of(node.func) in UNSAFE_CALLS:
            found.append(f"{node.lineno}: {name_of(node.func)}(")
        if isinstance(node, ast.Global):
            found.append(f"{node.lineno}: global")
        for word in node.keywords if isinstance(node, ast.Call) else []:
            off = isinstance(word.value, ast.Constant) and not word.value.value
            found += [f"{node.lineno}: allow_pickle"] if word.arg == "allow_pickle" and not off else []
    return found


def imports_by_name(text: str) -> bool:
    """Tell whether the code imports a module whose name is a value."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    called = {name_of(node.func).rpartition(".")[2] for node in calls}
    return bool(called & LOADERS)


def incomplete_exports(module: object) -> list[str]:
    """Return names of `__all__` that are missing, doubled or undocumented in the module."""
    names = list(getattr(module, "__all__", []))
    found = [f"{name} stands twice" for name in set(names) if names.count(name) > 1]
    for name in names:
        value = getattr(module, name, None)
        ours = getattr(value, "__module__", "").startswith(("ansatz", __name__))
        if not hasattr(module, name):
            found.append(f"{name} is missing")
        elif ours and (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value):
            found.append(f"{name} has no docstring")
    return found


def unexported(text: str, package: str) -> list[str]:
    """Return public names which a package takes from its own modules and leaves out of `__all__`."""
    listed, imported = [], []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and name_of(node.targets[0]) == "__all__":
            listed += ast.literal_eval(node.value)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            imported += [alias.asname or alias.name for alias in node.names]
    return [name for name in imported if not name.startswith("_") and name not in listed]


def run_python(code: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE.parent), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_checks_can_fail():
    assert oversized("\n" * (FILE + 1))
    assert oversized("def long():\n" + "    x = 1\n" * FUNCTION)
    assert oversized("def many(" + ", ".join(f"a{i}" for i in range(PARAMETERS + 2)) + "): ...")
    assert oversized("class Large:\n" + "".join(f"    def m{i}(self): ...\n" for i in range(METHODS + 1)))
    assert unsafe("import pickle") and unsafe("from dill import load") and unsafe("import joblib.memory")
    assert unsafe("eval('1')") and unsafe("def f():\n    global x") and unsafe("load(f, allow_pickle=True)")
    assert not unsafe("re.compile('a'); model.eval(); load(f, allow_pickle=False)")
    assert imports_by_name("importlib.import_module(name)") and not imports_by_name("import importlib")
    assert unexported("from a.b import one, _two\nfrom c import three\n__all__ = []", "a") == ["one"]
    odd = type("Odd", (), {"__all__": ["gone", "bare", "bare"], "bare": lambda: None})
    assert len(incomplete_exports(odd)) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_file_keeps_to_budgets_and_is_safe(path: Path):
    text = path.read_text()
    assert oversized(text) == []
    assert unsafe(text) == []
    if imports_by_name(text):
        assert path.relative_to(SOURCE).as_posix() in IMPORTERS


def test_median_file_is_short():
    assert statistics.median(path.read_text().count("\n") for path in FILES) <= MEDIAN


@pytest.mark.parametrize("name", module_names())
def test_module_exports_what_it_says(name: str):
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), f"{name} does not say what it is"
    assert incomplete_exports(module) == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_package_lists_what_it_imports(path: Path):
    package = ".".join(path.parent.relative_to(SOURCE.parent).parts)
    assert unexported(path.read_text(), package) == []


def test_public_names_are_lazy_and_complete():
    assert set(ansatz.__all__) == set(ansatz._HOME)
    assert set(ansatz.__all__) <= set(dir(ansatz))
    assert callable(ansatz.fit) and ansatz.fit.__module__ == "ansatz.training.fit"
    with pytest.raises(AttributeError, match="fit_table"):
        ansatz.fit_tables  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("code", ["import ansatz", "import ansatz.cli.main"])
def test_import_starts_no_jax(code: str):
    heavy = "sorted({'jax', 'numpy', 'matplotlib', 'polars', 'sklearn'} & set(sys.modules))"
    assert run_python(f"import sys; {code}; print({heavy})") == "[]"


def test_help_starts_no_jax():
    code = (
        "import sys\nfrom ansatz.cli.main import main\n"
        "try:\n    code = main(['--help'])\nexcept SystemExit as end:\n    code = end.code or 0\n"
        "print(code, 'jax' in sys.modules)"
    )
    assert run_python(code).endswith("0 False")


def test_imports_point_one_way():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
