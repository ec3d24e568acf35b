"""What is on disk: trees of modules as safetensors and JSON, and run folders that survive a kill.

Nothing in a file is ever executed: a file names classes of a closed set and holds numbers.
"""

from ansatz.store.atomic import Lock, write_file
from ansatz.store.decode import decode
from ansatz.store.encode import class_name, encode, named
from ansatz.store.folder import DiskError, RunFolder
from ansatz.store.registry import known_classes
from ansatz.store.snapshot import Snapshot
from ansatz.store.tensors import tree_from_bytes, tree_to_bytes

__all__ = [
    "DiskError",
    "Lock",
    "RunFolder",
    "Snapshot",
    "class_name",
    "decode",
    "encode",
    "known_classes",
    "named",
    "tree_from_bytes",
    "tree_to_bytes",
    "write_file",
]
