"""From people's answers to a dataset version in a pod's directory: quality, release and fetch as real processes against real servers."""

from __future__ import annotations

import io
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.integration.job_runs import Cut, JobProcess, cutting_proxy, store_at
from tests.integration.labelling_people import COLOURS, Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.contracts import ExitCode
from treadle.contracts.dataset import FetchDatasetResult, FetchDatasetSpec, FetchedDataset, FetchedItem, Manifest, Provenance, Splits
from treadle.contracts.quality import ConsensusPolicy, QualityResult, QualitySpec, ReviewPolicy
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.statistics.splits import split_of

COUNT = 12
TRUTH = {f"{shade:02}.png": COLOURS.names[shade % 3] for shade in range(COUNT)}


class Shelf:
    """Twelve pictures in a bucket and in a labelling project that wants two answers for each, and two people."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, people: Sequence[Person], folder: Path) -> None:
        self.s3, self.server, self.people, self.folder = s3, server, people, folder
        self.bucket = s3.make_bucket(f"shelf-{uuid4().hex[:8]}")
        self.raw = s3.folder / self.bucket / "raw"
        self.sets = s3.folder / self.bucket / "sets"
        self.raw.mkdir()
        for shade, name in enumerate(TRUTH):
            content = io.BytesIO()
            Image.new("L", (8, 8), shade).save(content, "PNG")
            (self.raw / name).write_bytes(content.getvalue())
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.project = make_project(server, answers=2)
        self.synced = self.sync()

    @property
    def destination(self) -> str:
        return f"s3://{self.bucket}/sets"

    def sync(self) -> SyncResult:
        source = Source(name="shelf", uri=f"s3://{self.bucket}/raw/")
        spec = SyncSpec(labels=COLOURS, sources=(source,), destination=self.destination, store=store_at(self.s3.endpoint), label_studio=self.project)
        return self.job.result(spec, SyncResult)

    def splits(self) -> Splits:
        """Each with two pictures at least, whatever the bucket is called."""
        keys = [f"s3://{self.bucket}/raw/{name}" for name in TRUTH]

        def smallest(seed: str) -> int:
            found = Counter(split_of(key, seed=seed, train=50, validation=25) for key in keys)
            return min(found[split] for split in ("train", "validation", "test"))

        seed = next(seed for seed in map(str, itertools.count()) if smallest(seed) > 1)
        return Splits(train=50, validation=25, test=25, seed=seed)

    def quality(self, **changes: object) -> QualityResult:
        wanted: dict[str, object] = {
            "labels": COLOURS,
            "destination": self.destination,
            "store": store_at(self.s3.endpoint),
            "label_studio": self.project,
            "items": self.synced.listing,
        }
        return self.job.result(QualitySpec.model_validate(wanted | changes), QualityResult)

    def release_spec(self, **changes: object) -> ReleaseSpec:
        wanted: dict[str, object] = {
            "labels": COLOURS,
            "destination": self.destination,
            "store": store_at(self.s3.endpoint),
            "snapshot": self.quality().snapshot,
            "items": self.synced.listing,
            "splits": self.splits(),
            "provenance": Provenance(project="here/demo/shelf"),
        }
        return ReleaseSpec.model_validate(wanted | changes)

    def release(self, **changes: object) -> ReleaseResult:
        return self.job.result(self.release_spec(**changes), ReleaseResult)

    def fetch_spec(self, released: ReleaseResult, **changes: object) -> FetchDatasetSpec:
        wanted: dict[str, object] = {
            "store": store_at(self.s3.endpoint),
            "uri": released.uri,
            "digest": released.digest,
            "directory": str(self.folder / "dataset"),
        }
        return FetchDatasetSpec.model_validate(wanted | changes)

    def answer_all_but(self, *left_out: str) -> None:
        for person in self.people:
            person.answer_all(self.project.project, {name: label for name, label in TRUTH.items() if name not in left_out})

    def everything_written(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.sets)): path.read_bytes() for path in sorted(self.sets.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def people(label_studio: LabelStudioServer) -> Sequence[Person]:
    return [Person(label_studio.url, label_studio.make_user(f"{uuid4().hex[:8]}@example.com")) for _ in range(2)]


@pytest.fixture
def shelf(s3: S3Server, label_studio: LabelStudioServer, people: Sequence[Person], tmp_path: Path) -> Shelf:
    return Shelf(s3, label_studio, people, tmp_path)


def test_quality_counts_what_people_did_and_keeps_all_of_it(shelf: Shelf) -> None:
    first, second = shelf.people
    first.answer_all(shelf.project.project, TRUTH)
    wrong = {"00.png": "blue", "01.png": None}
    second.answer_all(shelf.project.project, TRUTH | wrong | dict.fromkeys(("10.png", "11.png")))
    tasks = {task["data"]["image"].rpartition("/")[2]: task["id"] for task in first.tasks(shelf.project.project)}
    third = shelf.people[0]
    third.call("POST", f"/api/tasks/{tasks['02.png']}/annotations/", json={"result": []})

    found = shelf.quality()
    assert (found.items, found.annotators, found.complete) == (COUNT, 2, COUNT - 1)
    assert (found.skipped, found.invalid, found.disputed, found.removed) == (3, 1, 1, 0)
    assert found.agreed == COUNT - 2
    assert found.annotations == 2 * COUNT - 4
    assert found.percent_agreement == pytest.approx(7 / 8)
    assert found.agreement is not None
    assert 0.7 < found.agreement < 0.9
    assert {each.annotator[0] for each in found.by_annotator} == {"u"}
    lines = [json.loads(line) for line in (shelf.sets / "snapshots" / f"{found.snapshot.sha256}.jsonl").read_text().splitlines()]
    assert len(lines) == 2 * COUNT + 1
    assert shelf.quality() == found


def test_what_people_should_look_at_is_listed_and_has_a_tab(shelf: Shelf) -> None:
    def shown() -> list[list[str]]:
        query = {"project": shelf.project.project}
        tabs = [tab for tab in shelf.people[0].call("GET", "/api/dm/views/", params=query).json() if tab["data"]["title"] == "To look at"]
        pages = [shelf.people[0].call("GET", "/api/tasks/", params={**query, "view": tab["id"], "resolve_uri": "false"}).json() for tab in tabs]
        return [sorted(task["data"]["image"].rpartition("/")[2] for task in page["tasks"]) for page in pages]

    first, second = shelf.people
    first.answer_all(shelf.project.project, TRUTH)
    assert shelf.quality().findings is None
    assert shown() == []
    wrong = {"00.png": "blue", "01.png": "blue"}
    second.answer_all(shelf.project.project, TRUTH | wrong)
    policy = ConsensusPolicy(review=ReviewPolicy(disputed=True))
    found = shelf.quality(consensus=policy)
    assert (found.in_review, found.disputed, found.agreed) == (2, 0, COUNT - 2)
    assert found.findings
    lines = (shelf.sets / "findings" / f"{found.findings.sha256}.jsonl").read_text().splitlines()
    assert [(json.loads(line)["uri"].rpartition("/")[2], json.loads(line)["what"]) for line in lines] == [
        ("00.png", "InReview"),
        ("01.png", "InReview"),
    ]
    assert shown() == [["00.png", "01.png"]]

    third = Person(shelf.people[0].url, shelf.server.make_user(f"{uuid4().hex[:8]}@example.com"))
    third.answer_all(shelf.project.project, {"00.png": "red"})
    reviewed = shelf.quality(consensus=policy)
    assert (reviewed.in_review, reviewed.reviewed, reviewed.agreed) == (1, 1, COUNT - 1)
    assert shown() == [["01.png"]]


def test_answers_to_tasks_that_are_none_of_ours_are_kept_as_well(shelf: Shelf) -> None:
    """An adopted project holds such tasks: they count for no version, and are never lost."""
    person = shelf.people[0]
    strange = [{"data": {"image": "https://elsewhere.example/1.png"}}]
    person.call("POST", f"/api/projects/{shelf.project.project}/import", json=strange)
    before = shelf.quality()
    (task,) = [task["id"] for task in person.tasks(shelf.project.project) if "elsewhere" in task["data"]["image"]]
    person.answer(task, "red")
    found = shelf.quality()
    assert (found.items, found.annotations, found.removed) == (before.items, before.annotations, 0)
    lines = [json.loads(line) for line in (shelf.sets / "snapshots" / f"{found.snapshot.sha256}.jsonl").read_text().splitlines()]
    assert [(line["task"], line["result"][0]["value"]) for line in lines] == [(task, {"choices": ["red"]})]
    assert shelf.quality(items=None).removed == 0


def test_what_a_sensitive_project_says_names_nobody(shelf: Shelf) -> None:
    shelf.answer_all_but()
    found = shelf.quality(sensitive=True)
    assert found.annotators == 2
    assert found.by_annotator == ()


def test_quality_without_any_answer_is_a_result_like_others(shelf: Shelf) -> None:
    found = shelf.quality()
    assert (found.items, found.annotated, found.agreement, found.percent_agreement) == (COUNT, 0, None, None)
    code, failure = shelf.job.failure(shelf.release_spec())
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "NothingToRelease")


def test_the_same_answers_are_released_once_and_new_ones_make_the_next_version(shelf: Shelf) -> None:
    shelf.answer_all_but("11.png")
    first = shelf.release()
    assert (first.version, first.created, first.items) == (1, True, COUNT - 1)
    written = shelf.everything_written()
    again = shelf.release()
    assert again == first.model_copy(update={"created": False})
    assert shelf.everything_written() == written

    for person in shelf.people:
        person.answer_all(shelf.project.project, {"11.png": TRUTH["11.png"]})
    second = shelf.release()
    assert (second.version, second.created, second.items) == (2, True, COUNT)
    assert Manifest.model_validate_json((shelf.sets / "v0002/manifest.json").read_bytes()).parent == 1
    assert {path: content for path, content in shelf.everything_written().items() if path in written} == written
    one, two = (
        {line["key"]: line["split"] for line in map(json.loads, (shelf.sets / name / "items.jsonl").read_text().splitlines())}
        for name in ("v0001", "v0002")
    )
    assert one == {key: split for key, split in two.items() if key in one}


def test_what_was_trained_with_is_never_measured_with_whatever_the_percentages_become(shelf: Shelf) -> None:
    def splits(name: str) -> dict[str, str]:
        lines = map(json.loads, (shelf.sets / name / "items.jsonl").read_text().splitlines())
        return {line["key"].rpartition("/")[2]: line["split"] for line in lines}

    shelf.answer_all_but("11.png")
    shelf.release()
    before = splits("v0001")
    for person in shelf.people:
        person.answer_all(shelf.project.project, {"11.png": TRUTH["11.png"]})
    (shelf.raw / "10.png").rename(shelf.raw / "renamed.png")
    shelf.synced = shelf.sync()
    everything_is_tested = Splits(train=0, validation=0, test=100)
    assert shelf.release(splits=everything_is_tested).version == 2
    after = splits("v0002")
    assert after == {name: split for name, split in before.items() if name != "10.png"} | {"11.png": "test"}

    for person in shelf.people:
        person.answer_all(shelf.project.project, {"renamed.png": TRUTH["10.png"]})
    assert shelf.release(splits=everything_is_tested).version == 3
    assert splits("v0003") == after | {"renamed.png": before["10.png"]}, "it is remembered under its content while no version holds it"


def test_a_version_lies_in_the_directory_of_a_training_script_as_it_expects(shelf: Shelf) -> None:
    shelf.answer_all_but()
    released = shelf.release()
    spec = shelf.fetch_spec(released)
    fetched = shelf.job.result(spec, FetchDatasetResult)
    assert (fetched.version, fetched.items, fetched.digest) == (1, COUNT, released.digest)
    root = Path(spec.directory)
    described = FetchedDataset.model_validate_json((root / "dataset.json").read_bytes())
    assert described.labels == COLOURS.names
    assert described.splits == released.splits
    for line in (root / "items.jsonl").read_text().splitlines():
        item = FetchedItem.model_validate_json(line)
        name = item.uri.rpartition("/")[2]
        assert (root / item.path).read_bytes() == (shelf.raw / name).read_bytes()
        assert item.path.startswith(f"{item.split}/{TRUTH[name]}/")
    assert (root / "classes.txt").read_text().split() == list(COLOURS.names)

    shutil.rmtree(root)
    only = shelf.job.result(shelf.fetch_spec(released, splits=("test",), format=""), FetchDatasetResult)
    assert only.items == released.splits["test"]

    sampled = shelf.fetch_spec(released, splits=("test",), sample=2)
    assert shelf.job.result(sampled, FetchDatasetResult).items == released.splits["test"] + 2
    first = (root / "items.jsonl").read_bytes()
    shutil.rmtree(root)
    shelf.job.result(sampled, FetchDatasetResult)
    assert (root / "items.jsonl").read_bytes() == first, "always the same ones"


def test_a_version_that_holds_its_items_outlives_their_source(shelf: Shelf) -> None:
    shelf.answer_all_but("11.png")
    first = shelf.release(content="Embed", formats=("ImageFolder", "Dvc"))
    copies = sorted((shelf.sets / "files").rglob("*"))
    for person in shelf.people:
        person.answer_all(shelf.project.project, {"11.png": TRUTH["11.png"]})
    second = shelf.release(content="Embed", formats=("ImageFolder", "Dvc"))
    assert (first.version, second.version, second.items) == (1, 2, COUNT)
    assert len([path for path in (shelf.sets / "files").rglob("*") if path.is_file()]) == len([path for path in copies if path.is_file()]) + 3
    shutil.rmtree(shelf.raw)
    for format_ in ("ImageFolder", "Dvc"):
        spec = shelf.fetch_spec(second, format=format_, directory=str(shelf.folder / format_))
        assert shelf.job.result(spec, FetchDatasetResult).items == COUNT
    names = {path.name for path in (shelf.folder / "ImageFolder").rglob("*.png")}
    assert len(names) == COUNT, "files keep their suffix"


def test_a_fetch_goes_on_where_it_was_cut_and_trusts_nothing_it_finds(shelf: Shelf) -> None:
    shelf.answer_all_but()
    released = shelf.release()
    spec = shelf.fetch_spec(released)
    before = shelf.job.result(spec, FetchDatasetResult)
    root = Path(spec.directory)
    pictures = sorted(root.rglob("*.png"))
    pictures[0].write_bytes(b"rotten")
    pictures[1].unlink()
    pictures[2].rename(pictures[2].with_suffix(".png.partial"))
    (root / "dataset.json").unlink()
    assert shelf.job.result(spec, FetchDatasetResult) == before
    assert sorted(root.rglob("*.png")) == pictures
    assert b"rotten" not in {path.read_bytes() for path in pictures}


def test_a_version_whose_bytes_changed_is_refused(shelf: Shelf) -> None:
    shelf.answer_all_but()
    released = shelf.release()
    (shelf.raw / "03.png").write_bytes((shelf.raw / "04.png").read_bytes())
    code, failure = shelf.job.failure(shelf.fetch_spec(released))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "ContentChanged")
    assert "03.png" in failure.message
    assert not (shelf.folder / "dataset" / "dataset.json").exists()
    (shelf.raw / "03.png").unlink()
    assert shelf.job.failure(shelf.fetch_spec(released))[1].reason == "ObjectNotFound"
    assert shelf.job.failure(shelf.fetch_spec(released, digest="0" * 64))[1].reason == "ContentChanged"
    assert shelf.job.failure(shelf.fetch_spec(released, format="Yolo"))[1].reason == "FormatNotSupported"
    assert shelf.job.failure(shelf.fetch_spec(released, uri=f"{shelf.destination}/v0009/"))[1].reason == "DatasetVersionNotFound"


def test_disputed_incomplete_gone_and_changed_items_stay_out(shelf: Shelf) -> None:
    shelf.answer_all_but("00.png", "01.png")
    shelf.people[0].answer_all(shelf.project.project, {"00.png": "red", "01.png": "green"})
    shelf.people[1].answer_all(shelf.project.project, {"00.png": "blue"})
    (shelf.raw / "02.png").unlink()
    (shelf.raw / "03.png").write_bytes((shelf.raw / "03.png").read_bytes() + b" ")
    shelf.synced = shelf.sync()
    released = shelf.release()
    assert released.excluded == {"Disputed": 1, "Incomplete": 1, "Removed": 2}
    assert released.items == COUNT - 4


def test_killed_after_any_put_and_run_again_there_is_one_whole_version(shelf: Shelf) -> None:
    shelf.answer_all_but()
    spec = shelf.release_spec(formats=("ImageFolder",))
    for after in itertools.count(1):
        destination = f"s3://{shelf.bucket}/cut/{after}"
        cut = Cut(shelf.job, after)
        with cutting_proxy(shelf.s3.endpoint, cut) as store:
            shelf.job.run(spec.model_copy(update={"destination": destination, "store": store_at(store)}))
        released = shelf.job.result(spec.model_copy(update={"destination": destination}), ReleaseResult)
        folder = shelf.s3.folder / shelf.bucket / "cut" / str(after)
        assert released.version == 1
        assert [path.name for path in folder.iterdir()] == ["v0001"], f"cut after {cut.calls}"
        manifest = Manifest.model_validate_json((folder / "v0001/manifest.json").read_bytes())
        assert {str(path.relative_to(folder / "v0001")) for path in folder.rglob("*") if path.is_file()} == {
            "README.md",
            "card.html",
            "croissant.json",
            "manifest.json",
            *(file.path for file in manifest.files),
        }
        if not cut.happened:
            assert after > 6
            return


def test_a_release_that_was_cut_and_never_finished_does_not_mix_with_the_next(shelf: Shelf) -> None:
    shelf.answer_all_but("05.png")
    old = shelf.release_spec()
    cut = Cut(shelf.job, 2)
    with cutting_proxy(shelf.s3.endpoint, cut) as store:
        shelf.job.run(old.model_copy(update={"store": store_at(store)}))
    assert cut.happened
    for person in shelf.people:
        person.answer_all(shelf.project.project, {"05.png": TRUTH["05.png"]})
    new = shelf.release()
    assert (new.version, new.created, new.items) == (2, True, COUNT)
    assert not (shelf.sets / "v0001" / "manifest.json").exists()
    assert shelf.job.result(shelf.fetch_spec(new), FetchDatasetResult).items == COUNT
    assert shelf.job.result(old, ReleaseResult).version == 3


def test_same_items_under_another_policy_are_another_version(shelf: Shelf) -> None:
    shelf.answer_all_but()
    first = shelf.release()
    second = shelf.release(guidelines="f" * 16)
    assert (first.version, second.version) == (1, 2)
    assert first.digest != second.digest
    assert shelf.release().version == 1


def test_the_versions_of_another_project_are_left_alone(shelf: Shelf) -> None:
    shelf.answer_all_but()
    shelf.release()
    code, failure = shelf.job.failure(shelf.release_spec(provenance=Provenance(project="there/demo/shelf")))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "OwnedElsewhere")
    assert "here/demo/shelf" in failure.message
