"""Labels that are probably wrong, from items in a real bucket: pictures and texts, some of them called what they are not."""

from __future__ import annotations

import io
from collections.abc import Mapping
from uuid import uuid4

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.integration.job_runs import store_at
from tests.integration.servers import S3Server
from treadle.contracts.labels import ClassLabel
from treadle.contracts.stores import STORE_KEY_VARIABLE, STORE_SECRET_VARIABLE
from treadle.jobs._consensus import Judged, Verdict
from treadle.jobs._store import Store
from treadle.jobs._suspicion import Suspicion, findings_of, suspicion_of
from treadle.statistics.shapes import Consensus

PRAISE = ("stays cold all day", "would buy it again", "sturdy and light", "arrived early, well packed", "the lid fits perfectly", "great value")
COMPLAINT = ("it leaks from the bottom", "broken on arrival", "nobody answers my mails", "the paint comes off", "refund refused", "smells of glue")


def called(uri: str, label: str, verdict: Verdict = Verdict.AGREED) -> Judged:
    consensus = Consensus(ClassLabel(label=label), 1.0) if verdict is Verdict.AGREED else None
    return Judged(uri, uri, "1" * 64, (), 0, 0, True, verdict, consensus, tasks=(7,))


@pytest.fixture
def store(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv(STORE_KEY_VARIABLE, s3.access_key)
    monkeypatch.setenv(STORE_SECRET_VARIABLE, s3.secret_key)
    return Store(store_at(s3.endpoint))


def put(s3: S3Server, contents: Mapping[str, bytes]) -> str:
    bucket = s3.make_bucket(f"errors-{uuid4().hex[:8]}")
    for name, content in contents.items():
        (s3.folder / bucket / name).write_bytes(content)
    return f"s3://{bucket}/"


def found(suspicion: Suspicion | None) -> dict[str, str]:
    assert suspicion
    return {each.uri.rpartition("/")[2]: each.suggested for each in findings_of([], suspicion)}


def test_digits_that_are_called_something_else_are_found(s3: S3Server, store: Store) -> None:
    pixels, truth = load_digits(return_X_y=True)
    pictures = {}
    for number in range(300):
        content = io.BytesIO()
        Image.fromarray((pixels[number].reshape(8, 8) * 15).astype("uint8")).save(content, "PNG")
        pictures[f"{number:03}.png"] = content.getvalue()
    folder = put(s3, pictures)
    wrong = {f"{number:03}.png": str((truth[number] + 1) % 10) for number in range(7, 300, 30)}
    judged = [called(folder + name, wrong.get(name, str(truth[int(name[:3])]))) for name in pictures]
    suspicion = suspicion_of(store, [*judged, called(folder + "gone.png", "1")], [str(digit) for digit in range(10)], "Image")
    named = found(suspicion)
    assert len(set(named) & set(wrong)) >= 6
    assert len(set(named) - set(wrong)) <= 3
    assert suspicion
    assert suspicion.accuracy > 0.8
    assert len(suspicion.items) == 300


def test_texts_that_are_called_something_else_are_found(s3: S3Server, store: Store) -> None:
    said = [("p", words) for words in PRAISE] + [("c", words) for words in COMPLAINT]
    texts = {f"{kind}{turn}{at % 6}.txt": f"{words}, {turn} times".encode() for at, (kind, words) in enumerate(said) for turn in range(8)}
    folder = put(s3, texts)
    wrong = {"p03.txt": "complaint", "c14.txt": "praise", "c25.txt": "praise"}
    judged = [called(folder + name, wrong.get(name, "praise" if name[0] == "p" else "complaint")) for name in texts]
    assert set(wrong) <= set(found(suspicion_of(store, judged, ["praise", "complaint"], "Text")))


def test_a_few_labels_or_labels_of_one_kind_tell_nothing(s3: S3Server, store: Store) -> None:
    folder = put(s3, {f"{number:03}.txt": f"text {number}".encode() for number in range(60)})
    one_kind = [called(f"{folder}{number:03}.txt", "praise") for number in range(60)]
    assert suspicion_of(store, one_kind, ["praise", "complaint"], "Text") is None
    assert suspicion_of(store, one_kind[:10], ["praise", "complaint"], "Text") is None


def test_what_a_person_should_look_at_is_listed() -> None:
    judged = [called("s3://b/1", "", Verdict.DISPUTED), called("s3://b/2", "can"), called("s3://b/3", "", Verdict.IN_REVIEW)]
    listed = [(each.uri, each.what, each.tasks) for each in findings_of(judged, None)]
    assert listed == [("s3://b/1", "Disputed", (7,)), ("s3://b/3", "InReview", (7,))]
