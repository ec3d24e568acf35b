"""Where batches come from: tables, images, streams and named data sets."""

from ansatz.data.catalogue import CATALOGUE, Entry
from ansatz.data.datasets import cache_folder, get, is_here, load_images, load_table
from ansatz.data.encode import Features, TableEncoder
from ansatz.data.held import Held
from ansatz.data.images import Images, as_float, read_images
from ansatz.data.read import read_table
from ansatz.data.schema import Column, Prepared, find_task, infer_columns, prepare
from ansatz.data.shuffle import shuffled
from ansatz.data.split import Fold, folds, split
from ansatz.data.stream import Batches, Stream
from ansatz.data.table import Blocks, Table, Whole
from ansatz.data.target import TargetEncoder

__all__ = [
    "CATALOGUE",
    "Batches",
    "Blocks",
    "Column",
    "Entry",
    "Features",
    "Fold",
    "Held",
    "Images",
    "Prepared",
    "Stream",
    "Table",
    "TableEncoder",
    "TargetEncoder",
    "Whole",
    "as_float",
    "cache_folder",
    "find_task",
    "folds",
    "get",
    "infer_columns",
    "is_here",
    "load_images",
    "load_table",
    "prepare",
    "read_images",
    "read_table",
    "shuffled",
    "split",
]
