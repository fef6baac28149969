"""Models as files: a manifest in JSON and the estimator in skops' format. Never pickle: a file from elsewhere runs nothing.

Layout: `MAGIC`, four bytes with the length of the manifest (big endian), the manifest, the estimator. The SHA-256 is kept apart, in the
registry, and is checked before anything is read.
"""

import hashlib
import hmac
import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version as installed
from typing import Final, Literal, TypeAlias, cast

import numpy as np

from scoring.features.definitions import Feature, schema_hash
from scoring.models.calibration import Calibration
from scoring.models.design import Algorithm, Design
from scoring.models.metrics import Json, Threshold
from scoring.models.model import Estimator, Model

MAGIC: Final = b"PKMODEL1"
MOST_BYTES: Final = 64 * 1024 * 1024
_LIBRARIES: Final = ("scikit-learn", "skops", "numpy", "scipy")
_ESTIMATORS: Final[Mapping[Algorithm, str]] = {"logistic": "LogisticRegression", "boosting": "HistGradientBoostingClassifier"}
_TREES: Final = "sklearn.ensemble._hist_gradient_boosting"
_TRUSTED: Final = (f"{_TREES}.predictor.TreePredictor",)
"""Types skops does not know by itself to be harmless, and we do."""
ALLOWED: Final = frozenset(
    {
        *_TRUSTED,
        f"{_TREES}.binning._BinMapper",
        f"{_TREES}.gradient_boosting.HistGradientBoostingClassifier",
        *("sklearn._loss.link.Interval", "sklearn._loss.link.LogitLink"),
        *("sklearn._loss.loss.HalfBinomialLoss", "sklearn._loss._loss.CyHalfBinomialLoss"),
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.preprocessing._label.LabelEncoder",
        *("numpy.ndarray", "numpy.random._generator.Generator"),
        *(f"numpy.{name}" for name in ("bool", "bool_", "float32", "float64", "int32", "int64", "uint8", "uint32", "uint64")),
        *(f"builtins.{name}" for name in ("dict", "list", "tuple", "set", "str", "int", "float", "bool", "NoneType")),
    }
)
"""Everything a file of ours may hold; one type more and it is refused."""

Reason: TypeAlias = Literal["hash", "format", "type", "library", "schema"]


class ModelRefused(Exception):
    """A model file is not loaded. `reason` says what is wrong with it, the message what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True)
class Manifest:
    """What a file says of its model beside the model itself.

    Args:
        version: the running number in the registry.
        libraries: versions of what made it.
        code_version: of this program.
        data_sha256: digest of the panel it learned from.
        metrics: as measured on the test window.
        importances: by feature, for the comparison with the next model.
        split: which cutoffs were for what.
    """

    version: int
    code_version: str = ""
    data_sha256: str = ""
    metrics: Json = field(default_factory=dict)
    importances: Mapping[str, float] = field(default_factory=dict)
    split: Json = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=lambda: libraries())


def libraries() -> dict[str, str]:
    """Give the versions of what models are made with on this machine."""
    return {name: installed(name) for name in _LIBRARIES}


def sha256_of(data: bytes) -> str:
    """Give the digest of a file, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def save(model: Model, manifest: Manifest) -> bytes:
    """Write a model down; `sha256_of` gives the digest `load` wants."""
    import skops.io

    body: bytes = skops.io.dumps(model.estimator)
    said: Json = {
        **asdict(manifest),
        "target": model.target,
        "algorithm": model.algorithm,
        "schema": model.schema,
        "features": [asdict(feature) for feature in model.features],
        "levels": {name: list(texts) for name, texts in model.levels.items()},
        "design": model.design.as_json(),
        "calibration": model.calibration.as_json(),
        "base_rate": model.base_rate,
        "reference": [None if np.isnan(value) else float(value) for value in model.reference],
        "threshold": model.threshold.as_json() if model.threshold else None,
        "estimator_sha256": sha256_of(body),
    }
    head = json.dumps(said, sort_keys=True, allow_nan=False).encode()
    return MAGIC + struct.pack(">I", len(head)) + head + body


def load(data: bytes, sha256: str, *, feature_set: str | None = None) -> tuple[Model, Manifest]:
    """Read a model.

    Args:
        data: the file.
        sha256: what its digest must be.
        feature_set: hash of the features that will be given to it; not compared where it is None.

    Raises:
        ModelRefused: digest, layout, types, library or features are not what they must be. Nothing of the file was executed.
    """
    if not hmac.compare_digest(sha256_of(data), sha256.lower()):
        raise ModelRefused(
            "hash", "The model's file is not the one that was registered (its SHA-256 differs); train anew or go back a version."
        )
    said, body = _parts(data)
    _check_library(said)
    try:
        return _model(said, body, feature_set)
    except (KeyError, TypeError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise ModelRefused("format", f"The model's file cannot be read ({type(error).__name__}); train anew.") from error


def _parts(data: bytes) -> tuple[Json, bytes]:
    if not data.startswith(MAGIC) or not len(MAGIC) + 4 < len(data) <= MOST_BYTES:
        raise ModelRefused("format", "This is no model file of Playkeeper; pickles and other formats are never read. Train the model here.")
    (length,) = struct.unpack_from(">I", data, len(MAGIC))
    begins = len(MAGIC) + 4
    try:
        said = json.loads(data[begins : begins + length])
    except ValueError as error:
        raise ModelRefused("format", "The model file's manifest is damaged; train anew or go back a version.") from error
    if not isinstance(said, dict):
        raise ModelRefused("format", "The model file's manifest is damaged; train anew or go back a version.")
    return said, data[begins + length :]


def _check_library(said: Json) -> None:
    made = said.get("libraries")
    wrote = str(made.get("scikit-learn", "")) if isinstance(made, dict) else ""
    here = installed("scikit-learn")
    if wrote.split(".")[:2] != here.split(".")[:2]:
        raise ModelRefused(
            "library", f"The model was made with scikit-learn {wrote[:20]}, and this is {here}; train it anew with this version."
        )


def _model(said: Json, body: bytes, feature_set: str | None) -> tuple[Model, Manifest]:
    features = tuple(Feature(**each) for each in cast("list[dict[str, object]]", said["features"]))  # type: ignore[arg-type]  # wrong members fail
    schema = schema_hash(features)
    if said["schema"] != schema:
        raise ModelRefused("schema", "The model file's list of features is not the one it was made with; train anew.")
    if feature_set is not None and feature_set != schema:
        raise ModelRefused("schema", f"The model wants the features {schema}, and {feature_set[:12]} are computed here; train anew.")
    if sha256_of(body) != said["estimator_sha256"]:
        raise ModelRefused("hash", "The model file's estimator is not the one of its manifest; train anew or go back a version.")
    algorithm = cast("Algorithm", said["algorithm"])
    threshold = cast("dict[str, float | None] | None", said["threshold"])
    model = Model(
        target=str(said["target"]),
        algorithm=algorithm,
        features=features,
        levels={name: tuple(texts) for name, texts in cast("dict[str, list[str]]", said["levels"]).items()},
        design=Design.from_json(cast("list[dict[str, object]]", said["design"])),
        estimator=_estimator(body, algorithm),
        calibration=Calibration(**cast("dict[str, float]", said["calibration"])),
        base_rate=float(cast("float", said["base_rate"])),
        reference=np.array([np.nan if value is None else value for value in cast("list[float | None]", said["reference"])], float),
        threshold=None if threshold is None else Threshold(**{k: np.nan if v is None else v for k, v in threshold.items()}),  # type: ignore[arg-type]  # negatives is whole
    )
    own = {name: said[name] for name in Manifest.__dataclass_fields__}
    return model, Manifest(**own)  # type: ignore[arg-type]  # what save wrote


def _estimator(body: bytes, algorithm: Algorithm) -> Estimator:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    foreign = sorted(set(_types(body)) - ALLOWED)
    if foreign:
        raise ModelRefused("type", f'The model file holds "{foreign[0][:100]}", which no model here is made of; train the model here.')
    try:
        estimator = skops.io.loads(body, trusted=list(_TRUSTED))
    except UntrustedTypesFoundException as error:
        raise ModelRefused("type", "The model file holds types that no model here is made of; train the model here.") from error
    if type(estimator).__name__ != _ESTIMATORS.get(algorithm):
        raise ModelRefused(
            "type", f"The model file holds another estimator than its manifest says ({type(estimator).__name__}); train anew."
        )
    return estimator


def _types(body: bytes) -> Iterator[str]:
    """Name the types in a file of skops by reading its schema, which makes nothing of them."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        if sum(each.file_size for each in archive.infolist()) > MOST_BYTES:
            raise ModelRefused("format", "The model file is larger unpacked than any model here; train the model here.")
        schema = json.loads(archive.read("schema.json"))
    waiting: list[object] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__class__" in node or "__module__" in node:
                yield f"{node.get('__module__')}.{node.get('__class__')}"
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
