"""Running a Python file of the user's: because they named it by its path, never because a file names it."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from ansatz.errors import BadInput


def names_in(path: Path) -> dict[str, Any]:
    """Return what stands in a Python file once it has been run.

    Raises:
        BadInput: the file is no Python, or fails.
    """
    spec = importlib.util.spec_from_file_location(f"_of_the_user_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Classes with annotations look their module up by its name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise BadInput(f"{path} is not valid Python: line {error.lineno}, {error.msg}.") from error
    except Exception as error:
        raise BadInput(f"{path} could not be run: {type(error).__name__}: {error}.") from error
    return vars(module)
