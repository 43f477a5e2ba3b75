"""Pre-labelling as real processes, with a real S3 server and a real Label Studio: from a model's files to the order in which people see items."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest
import yaml

from tests.integration.control_plane import Place
from tests.integration.job_runs import Cut, JobProcess, cutting_proxy, store_at
from tests.integration.labelling_people import Person, make_project
from tests.integration.servers import LabelStudioServer, S3Server
from tests.unit.predictors.models import LABELS, png, save_digits
from treadle.contracts import Blob, ExitCode, LabelStudioConnection
from treadle.contracts.dataset import DatasetItem, Manifest
from treadle.contracts.feedback import FeedbackNote
from treadle.contracts.labels import LabelClass, LabelSchema
from treadle.contracts.prelabel import SHARD_VARIABLE, FetchItemsResult, FetchItemsSpec, PredictResult, PredictSpec, PrelabelResult, PrelabelSpec
from treadle.contracts.quality import QualityResult, QualitySpec
from treadle.contracts.rank import AcceptedLabel, AcceptPolicy, Proposer, RankResult, RankSpec
from treadle.contracts.release import ReleaseResult, ReleaseSpec
from treadle.contracts.sync import Source, SyncResult, SyncSpec
from treadle.jobs._lines import from_lines

FIRST = 1500
"""The model has not seen digits from here on."""
COUNT = 40
DIGITS = LabelSchema(task="ImageClassification", labels=tuple(LabelClass(name=str(digit)) for digit in range(10)))
WHO = "0123456789abcdef"
MODEL = Proposer(who=WHO, name="digits/3")


class Project:
    """Digits in a bucket and in a labelling project, a model beside them, and the Jobs that bring these together."""

    def __init__(self, s3: S3Server, server: LabelStudioServer, folder: Path) -> None:
        self.s3, self.folder = s3, folder
        self.bucket = s3.make_bucket(f"prelabel-{uuid4().hex[:8]}")
        (s3.folder / self.bucket / "items").mkdir()
        self.job = JobProcess(folder, s3.access_key, s3.secret_key, server.token)
        self.person = Person(server.url, server.token)
        self.connection = make_project(server, DIGITS)
        self.truth: dict[str, str] = {}
        self.sources: tuple[Source, ...] = (Source(uri=f"s3://{self.bucket}/items/"),)
        self.add(range(FIRST, FIRST + COUNT))

    def add(self, numbers: range) -> None:
        for number in numbers:
            (self.s3.folder / self.bucket / "items" / f"{number}.png").write_bytes(png(number))
            self.truth[f"{number}.png"] = str(LABELS[number])

    def feed_back(self, numbers: range) -> None:
        """A deployment sends these back; its model was all but sure that none of them is what it said."""
        fed = self.s3.folder / self.bucket / "fed"
        for folder in ("items", "told"):
            (fed / folder / "2026-01-01").mkdir(parents=True)
        for number in numbers:
            said = {"when": "Uncertain", "at": "2026-01-01T10:00:00+00:00", "deployment": "ml/digits", "model_version": "1", "revision": "a"}
            content = {"digest": hashlib.sha256(png(number)).hexdigest(), "extension": "png", "label": "0", "score": 0.001}
            (fed / "items" / "2026-01-01" / f"{number}.png").write_bytes(png(number))
            (fed / "told" / "2026-01-01" / f"{number:08}.json").write_text(FeedbackNote.model_validate(said | content).to_json())
            self.truth[f"{number}.png"] = str(LABELS[number])
        self.sources += (Source(name="live", uri=f"s3://{self.bucket}/fed/", kind="Feedback", exclude=("told/*",)),)

    @property
    def destination(self) -> str:
        return f"s3://{self.bucket}/sets/"

    def sync(self) -> Blob:
        wanted = SyncSpec(
            labels=DIGITS,
            sources=self.sources,
            destination=self.destination,
            store=store_at(self.s3.endpoint),
            label_studio=self.connection,
        )
        return self.job.result(wanted, SyncResult).listing

    def ask(self, listing: Blob, shard: int = 0, shards: int = 1, who: str = WHO, programs: Mapping[str, object] | None = None) -> PrelabelResult:
        """What one pod does, container after container. `programs` are labelling functions, by name what each votes by file name."""
        shared = {"store": store_at(self.s3.endpoint), "destination": self.destination, "items": listing, "who": who, "shards": shards}
        items, predictions = self.folder / f"items-{shard}", self.folder / f"predictions-{shard}"
        with patch.dict(os.environ, {SHARD_VARIABLE: str(shard)}):
            self.fetched = self.job.result(FetchItemsSpec(labels=DIGITS, directory=str(items), **shared), FetchItemsResult)
            if programs is None:
                model = save_digits(self.folder / "model")
                self.job.result(PredictSpec(items=str(items), model=str(model), output=str(predictions / "model")), PredictResult)
            for name, votes in (programs or {}).items():
                self.vote(items, predictions / name, votes)
            wanted = PrelabelSpec(
                task=DIGITS.task, programs=tuple(programs or ("model",)), directory=str(items), predictions=str(predictions), **shared
            )
            return self.job.result(wanted, PrelabelResult)

    @staticmethod
    def vote(items: Path, output: Path, votes: object) -> None:
        """A program as a user would write it: it reads lines of JSON and writes lines of JSON."""
        assert isinstance(votes, Mapping)
        lines = [json.loads(line) for line in (items / "items.jsonl").read_text().splitlines()]
        named = [(line["key"], line["key"].rpartition("/")[2]) for line in lines]
        said = [{"key": key, "prediction": {"shape": "Class", "label": votes[name], "score": 1.0}} for key, name in named if name in votes]
        output.mkdir(parents=True, exist_ok=True)
        (output / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))

    def order(self, listing: Blob, connection: LabelStudioConnection | None = None, **changes: object) -> RankSpec:
        wanted: dict[str, object] = {
            "labels": DIGITS,
            "destination": self.destination,
            "store": store_at(self.s3.endpoint),
            "label_studio": connection or self.connection,
            "items": listing,
            "proposer": MODEL,
        }
        return RankSpec.model_validate(wanted | changes)

    def rank(self, spec: RankSpec) -> RankResult:
        return self.job.result(spec, RankResult)

    def shown(self) -> dict[str, list[tuple[str, float, str]]]:
        """What people see, by file name: version, place and proposed label."""
        return {
            task["data"]["image"].rpartition("/")[2]: [(p["model_version"], p["score"], chosen(p["result"])) for p in task["predictions"]]
            for task in self.person.tasks(self.connection.project)
        }

    def next(self) -> str:
        """The file that the backend shows next; it is answered right."""
        task = self.person.call("GET", f"/api/projects/{self.connection.project}/next/").json()
        name = str(task["data"]["image"]).rpartition("/")[2] if "image" in task["data"] else ""
        names = {task["id"]: task["data"]["image"].rpartition("/")[2] for task in self.person.tasks(self.connection.project)}
        self.person.answer(task["id"], self.truth[names[task["id"]]])
        return names[task["id"]] or name

    def lines(self, blob: Blob) -> bytes:
        return (self.s3.folder / blob.uri.removeprefix("s3://")).read_bytes()


def chosen(result: list[dict[str, object]]) -> str:
    return str(result[0]["value"]["choices"][0]) if result else ""  # type: ignore[index]


@pytest.fixture
def project(s3: S3Server, label_studio: LabelStudioServer, tmp_path: Path) -> Project:
    return Project(s3, label_studio, tmp_path)


def test_a_model_answers_each_item_once_and_people_see_its_answers_in_the_order_of_their_use(project: Project) -> None:
    listing = project.sync()
    assert project.rank(project.order(listing, proposer=None)).proposed == 0
    asked = [project.ask(listing, shard, 3) for shard in range(3)]
    assert [each.items for each in asked] == [14, 13, 13]
    assert sum(each.answered for each in asked) == COUNT
    assert (project.ask(listing, 1, 3).items, project.fetched.answered) == (0, 13), "the same again asks nobody"

    first = project.rank(project.order(listing, strategy="Margin"))
    assert (first.items, first.proposed, first.imported, first.invalid) == (COUNT, COUNT, COUNT, 0)
    shown = project.shown()
    assert {len(each) for each in shown.values()} == {1}
    right = sum(each[0][2] == project.truth[name] for name, each in shown.items())
    assert right >= 0.8 * COUNT
    assert project.rank(project.order(listing, strategy="Margin")).imported == 0
    assert project.shown() == shown, "the same again changes nothing"
    by_place = sorted(shown, key=lambda name: shown[name][0][1])
    assert [project.next() for _ in range(3)] == by_place[:3]

    project.add(range(FIRST + COUNT, FIRST + COUNT + 5))
    grown = project.sync()
    project.rank(project.order(grown, strategy="Margin"))
    assert sum(each[0][2] == "" for each in project.shown().values()) == 5, "what nobody answered yet has a place all the same"
    assert project.ask(grown).items == 5, "only what is new is asked about"
    assert project.rank(project.order(grown, strategy="Margin")).imported == 5
    assert {len(each) for each in project.shown().values()} == {1}

    other = Proposer(who="f" * 16, name="digits/4")
    project.ask(grown, who=other.who)
    assert project.rank(project.order(grown, proposer=other)).imported == COUNT + 5
    assert {tuple(sorted(version for version, _, _ in each)) for each in project.shown().values()} == {("digits/3", "digits/4")}
    settings = project.person.call("GET", f"/api/projects/{project.connection.project}/").json()
    assert (settings["model_version"], settings["sampling"]) == ("digits/4", "Uncertainty sampling")


def test_what_a_deployment_answered_takes_neither_the_place_nor_the_order_of_what_the_present_model_proposes(project: Project) -> None:
    fed = range(FIRST + COUNT, FIRST + COUNT + 3)
    project.feed_back(fed)
    listing = project.sync()
    project.ask(listing)
    project.rank(project.order(listing, strategy="Margin"))
    shown = project.shown()
    names = {f"{number}.png" for number in fed}
    versions = {name: sorted(version for version, _, _ in each) for name, each in shown.items()}
    assert versions == {name: ["digits/3", "sources"] if name in names else ["digits/3"] for name in shown}
    assert project.rank(project.order(project.sync(), strategy="Margin")).imported == 0
    assert project.shown() == shown, "the same again changes nothing"
    places = {name: place for name, each in shown.items() for version, place, _ in each if version == "digits/3"}
    opened = project.person.call("GET", f"/api/projects/{project.connection.project}/next/").json()
    assert {each["model_version"] for each in opened["predictions"]} == {"digits/3"}
    by_place = sorted(places, key=lambda name: places[name])
    assert [project.next() for _ in range(3)] == by_place[:3]


def test_wherever_a_rank_is_killed_the_next_one_leaves_one_proposal_for_each_item(
    project: Project, label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    listing = project.sync()
    project.ask(listing)
    for after in itertools.count(1):
        project.connection = make_project(label_studio, DIGITS)
        project.sync()
        cut = Cut(project.job, after)
        with cutting_proxy(label_studio.url, cut) as url:
            through = LabelStudioConnection(url=url, project=project.connection.project)
            code = project.job.run(project.order(listing, through, strategy="Margin"))
        assert cut.happened == (code != ExitCode.DONE)
        project.rank(project.order(listing, strategy="Margin"))
        assert {len(each) for each in project.shown().values()} == {1}, cut.calls
        if not cut.happened:
            break
    assert after > 2


def test_batches_hold_what_is_far_from_all_that_is_answered(project: Project) -> None:
    listing = project.sync()
    project.ask(listing)
    project.rank(project.order(listing, strategy="CoreSet", batch=5))
    places = {name: each[0][1] for name, each in project.shown().items()}
    front = [name for name in sorted(places, key=lambda name: places[name]) if places[name] < 0.45]
    assert len(front) == 5
    answered = [project.next() for _ in range(5)]
    assert answered == front
    project.rank(project.order(listing, strategy="CoreSet", batch=5, turn=1))
    assert project.next() not in front


def test_an_item_that_the_store_refuses_today_keeps_nobody_from_the_others(project: Project) -> None:
    listing = project.sync()
    project.ask(listing)
    with cutting_proxy(project.s3.endpoint, Cut(project.job, 0), {f"/{FIRST}.png": "AccessDenied"}) as url:
        ranked = project.rank(project.order(listing, strategy="CoreSet", batch=5, store=store_at(url)))
    assert ranked.items == COUNT
    assert [len(each) for each in project.shown().values()] == [1] * COUNT


def test_sure_proposals_become_labels_outside_of_the_test_split_and_are_audited(project: Project) -> None:
    project.add(range(FIRST + COUNT, FIRST + 160))
    listing = project.sync()
    project.ask(listing)
    ranked = project.rank(project.order(listing, accept=AcceptPolicy(minimum="0.9", audit_percent=20)))
    assert ranked.accepted
    accepted = list(from_lines(AcceptedLabel, project.lines(ranked.accepted)))
    assert (ranked.taken, ranked.audits) == (sum(not each.audit for each in accepted), sum(each.audit for each in accepted))
    assert ranked.taken > 20
    assert ranked.audits > 3
    taken = {each.uri.rpartition("/")[2] for each in accepted if not each.audit}
    for task in project.person.tasks(project.connection.project):
        if (name := task["data"]["image"].rpartition("/")[2]) not in taken:
            project.person.answer(task["id"], project.truth[name])
    shared = {
        "labels": DIGITS,
        "destination": project.destination,
        "store": store_at(project.s3.endpoint),
        "items": listing,
        "accepted": ranked.accepted,
    }
    measured = project.job.result(QualitySpec(label_studio=project.connection, **shared), QualityResult)
    assert (measured.accepted, measured.audited, measured.agreed) == (ranked.taken, ranked.audits, 160)
    assert measured.audited_right >= 0.9 * measured.audited
    released = project.job.result(ReleaseSpec(snapshot=measured.snapshot, **shared), ReleaseResult)
    version = project.s3.folder / released.uri.removeprefix("s3://")
    manifest = Manifest.model_validate_json((version / "manifest.json").read_text())
    items = list(from_lines(DatasetItem, (version / "items.jsonl").read_bytes()))
    pseudo = [item for item in items if item.accepted]
    assert manifest.accepted == len(pseudo) == ranked.taken
    assert {item.split for item in pseudo} <= {"train", "validation"}
    assert {item.annotators for item in pseudo} == {0}
    assert any(item.split == "test" for item in items)


def test_labelling_functions_are_combined_and_their_conflicts_are_counted(project: Project) -> None:
    listing = project.sync()
    truth = project.truth
    wrong = sorted(truth)[:4]
    good = {name: digit for name, digit in truth.items() if int(digit) < 6}
    fair = {name: ("9" if name in wrong else digit) for name, digit in truth.items() if int(digit) % 2 == 0 or name in wrong}
    ones = {name: digit for name, digit in truth.items() if digit in "13579"}
    assert project.ask(listing, who="e" * 16, programs={"good": good, "fair": fair, "ones": ones}).answered == COUNT
    ranked = project.rank(project.order(listing, proposer=Proposer(who="e" * 16, name="functions/eeeeee", combined=True), strategy="Disagreement"))
    assert ranked.proposed == COUNT
    assert ranked.conflicts == sum(len({votes[name] for votes in (good, fair, ones) if name in votes}) > 1 for name in truth)
    by_voter = {each.name: each for each in ranked.by_voter}
    assert (by_voter["good"].votes, by_voter["good"].abstained) == (len(good), COUNT - len(good))
    shown = project.shown()
    disputed = {name for name in wrong if name in good and good[name] != "9"}
    assert disputed
    places = sorted(shown, key=lambda name: shown[name][0][1])
    assert set(places[: len(disputed)]) <= set(wrong)


def test_the_api_server_takes_the_job_as_it_is_built(place: Place, tmp_path: Path) -> None:
    built = yaml.safe_load((Path(__file__).parents[1] / "unit" / "annotation" / "prelabel_job.yaml").read_text())
    built["metadata"]["namespace"] = place.namespace
    (tmp_path / "job.json").write_text(json.dumps(built))
    taken = json.loads(place.kubectl("create", f"--filename={tmp_path / 'job.json'}", "--dry-run=server", "--validate=strict", "--output=json"))
    wanted = {key: value for key, value in built["spec"].items() if key not in ("template", "podFailurePolicy")}
    assert {key: taken["spec"].get(key) for key in wanted} == wanted
    assert [rule["action"] for rule in taken["spec"]["podFailurePolicy"]["rules"]] == ["Ignore", "FailJob"]
