from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from scoring.features.definitions import FEATURE_SET
from scoring.models.files import MAGIC, Manifest, ModelRefused, load, save, sha256_of
from scoring.models.train import Trained
from scoring.panel import Panel


def parts_of(file: bytes) -> tuple[dict[str, object], bytes]:
    (length,) = struct.unpack_from(">I", file, len(MAGIC))
    begins = len(MAGIC) + 4
    return json.loads(file[begins : begins + length]), file[begins + length :]


def put_together(said: dict[str, object], body: bytes) -> bytes:
    head = json.dumps(said | {"estimator_sha256": sha256_of(body)}).encode()
    return MAGIC + struct.pack(">I", len(head)) + head + body


@pytest.fixture(scope="module")
def file(trained: Trained) -> bytes:
    assert trained.model is not None
    return save(trained.model, Manifest(3, "abc", trained.data_sha256, metrics={"base_rate": 0.03}))


def refused(file: bytes, *, feature_set: str | None = None) -> str:
    with pytest.raises(ModelRefused) as caught:
        load(file, sha256_of(file), feature_set=feature_set)
    assert str(caught.value).rstrip(".").split(";")[-1].strip()
    return caught.value.reason


@pytest.mark.parametrize("which", ["trained", "small_trained"])
def test_a_model_scores_the_same_after_it_was_written_down(which: str, panel: Panel, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(which).model
    file = save(model, Manifest(3, "abc", metrics={"base_rate": 0.03}))
    again, manifest = load(file, sha256_of(file), feature_set=FEATURE_SET)
    rows = np.where(np.random.default_rng(0).random(panel.values.shape) < 0.1, np.nan, panel.values)[:500]

    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))
    np.testing.assert_array_equal(model.reference, again.reference)
    assert (again.threshold, again.calibration, again.levels, again.features) == (
        model.threshold,
        model.calibration,
        model.levels,
        model.features,
    )
    assert (manifest.version, manifest.code_version, manifest.metrics) == (3, "abc", {"base_rate": 0.03})


def test_every_changed_byte_is_noticed(file: bytes) -> None:
    digest = sha256_of(file)
    for place in range(0, len(file), len(file) // 50):
        changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        with pytest.raises(ModelRefused) as caught:
            load(changed, digest)
        assert caught.value.reason == "hash"


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path, file: bytes) -> None:
    said, _ = parts_of(file)
    trace = tmp_path / "ran"
    body = pickle.dumps(Bomb(trace))

    assert refused(body) == "format"
    assert refused(put_together(said, body)) == "format"
    assert not trace.exists()


def test_a_pickle_inside_of_an_archive_is_refused_and_not_run(tmp_path: Path, file: bytes) -> None:
    said, body = parts_of(file)
    trace, packed = tmp_path / "ran", io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(packed, "w") as new:
        for each in old.namelist():
            new.writestr(each, pickle.dumps(Bomb(trace)) if each.endswith(".npy") else old.read(each))

    assert refused(put_together(said, packed.getvalue())) == "format"
    assert not trace.exists()


@pytest.mark.parametrize(
    "foreign", [FunctionTransformer(print), DecisionTreeClassifier(), {"a": np.tanh}], ids=["function", "tree", "ufunc"]
)
def test_a_foreign_type_is_refused(foreign: object, file: bytes) -> None:
    said, _ = parts_of(file)

    assert refused(put_together(said, skops.io.dumps(foreign))) == "type"


def test_another_estimator_than_the_manifest_says_is_refused(file: bytes, small_trained: Trained) -> None:
    said, _ = parts_of(file)
    assert small_trained.model is not None

    assert refused(put_together(said, skops.io.dumps(small_trained.model.estimator))) == "type"


def test_another_version_of_scikit_learn_is_refused_and_a_patch_is_not(file: bytes) -> None:
    said, body = parts_of(file)
    libraries = said["libraries"]
    assert isinstance(libraries, dict)
    major, minor = libraries["scikit-learn"].split(".")[:2]

    assert refused(put_together(said | {"libraries": {**libraries, "scikit-learn": f"{major}.{int(minor) + 1}.0"}}, body)) == "library"
    patched = put_together(said | {"libraries": {**libraries, "scikit-learn": f"{major}.{minor}.99"}}, body)
    load(patched, sha256_of(patched))


def test_other_features_are_refused(file: bytes) -> None:
    said, body = parts_of(file)
    features = said["features"]
    assert isinstance(features, list)

    assert refused(file, feature_set="000000000000") == "schema"
    assert refused(put_together(said | {"features": features[1:]}, body)) == "schema"


@pytest.mark.parametrize("broken", [b"", MAGIC, MAGIC + b"\xff\xff\xff\xff{}", MAGIC + struct.pack(">I", 2) + b"[]x", b"PK\x03\x04"])
def test_what_is_no_model_file_is_refused(broken: bytes) -> None:
    assert refused(broken) in ("format", "library")


def test_a_manifest_that_lacks_something_is_refused(file: bytes) -> None:
    said, body = parts_of(file)
    for name in ("design", "calibration", "features", "reference", "version"):
        assert refused(put_together({key: value for key, value in said.items() if key != name}, body)) == "format"
