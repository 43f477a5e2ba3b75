"""What an AnnotationProject makes: one golden per built object, and what some fields of the spec do to it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stories.annotation.telling import CHAMPION, FIND, PROGRESS, PROJECT, make_project, version
from treadle.annotation import check as check_policy
from treadle.annotation import policy, prepare, release, stages, train
from treadle.annotation.accept import unjudged_bounds
from treadle.annotation.audit import CHANCE, chance_of
from treadle.annotation.prelabel import shards
from treadle.annotation.project import Project
from treadle.api.annotation_status import AnnotationProjectMemory, DatasetVersion, ProposerRecord, QualityReport, SourceContent, StoredFile
from treadle.connections.labelling import EnsureLabellingProject, LabellingProject, Progress
from treadle.contracts import LabelStudioConnection, StoreConnection
from treadle.contracts.quality import QualitySpec
from treadle.contracts.sync import SyncSpec
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Seen
from treadle.plan import Action, Create, Object, Question, ref_of

HERE = Path(__file__).parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = {
    "image": "registry.example/acme/train:1",
    "parameters": [{"name": "epochs", "value": "10"}],
    "resources": {"gpu": 1},
    "gates": [{"name": "floor", "metric": "accuracy", "min": "0.85"}],
    "register": {"model": "digits"},
}
FULL: dict[str, Any] = {
    "source": None,
    "sources": [{"name": "new", "uri": "s3://raw/new/", "include": ["*.png"], "exclude": ["*-old.png"]}, {"name": "old", "uri": "s3://raw/old/"}],
    "task": {"type": "ImageClassification", "labels": [{"name": "0", "color": "#d44444", "hotkey": "z"}, {"name": "1"}]},
    "guidelines": {"inline": "Choose the digit you see."},
    "workforce": {"annotationsPerItem": 2, "overlapPercent": 50},
    "jobs": {
        "queue": "cpu",
        "priorityClassName": "low",
        "resources": {"cpu": "2", "memory": "4Gi"},
        "nodeSelector": {"zone": "a"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
    },
    "access": {"imagePullSecrets": ["registry"], "stores": [{"prefix": "s3://", "secret": "my-keys"}]},
    "sensitive": True,
}


def observed(
    labelling: LabellingProject | None = None,
    memory: AnnotationProjectMemory | None = None,
    answers: Mapping[Question[Any], object] | None = None,
    **spec: Any,
) -> Project:
    this = make_project(uid="uid-annotationproject-digits", **spec)
    metadata = {**this["metadata"], "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    status = memory.model_dump(mode="json", by_alias=True, exclude_none=True) if memory else {}
    known = Memory(["AnnotationProject"])
    known.learn(
        [
            Seen({**this, "metadata": metadata, "status": status}),
            Answered(FIND, labelling),
            *(Answered(*answer) for answer in (answers or {}).items()),
        ]
    )
    if labelling:
        known.learn([Answered(replace(PROGRESS, project=labelling.id), Progress())])
    view = known.view(ref_of(this))
    looked = view.look()
    assert looked is not None
    project = PROJECT.observe(looked, view)
    assert isinstance(project, Project)
    return project


def actions(**spec: Any) -> tuple[Action, ...]:
    """What is done once the labelling project is set up."""
    project = observed(**spec)
    assert project.setup is not None
    return PROJECT.plan(observed(LabellingProject(1, "<url>", project.setup.digest), **spec), NOW).actions


def sync_job(**spec: Any) -> Object:
    (action,) = actions(**spec)
    assert isinstance(action, Create)
    return action.object


def check(built: Object, golden: str) -> None:
    text = yaml.safe_dump(json.loads(json.dumps(built)), sort_keys=False, width=160)
    if os.environ.get("TREADLE_UPDATE_STORIES"):
        (HERE / golden).write_text(text)
    assert text == (HERE / golden).read_text(), "write it anew with TREADLE_UPDATE_STORIES=1"


def test_the_built_job_is_as_the_golden_says() -> None:
    check(sync_job(**FULL), "sync_job.yaml")


def test_the_generated_run_is_as_the_golden_says() -> None:
    dataset = DatasetVersion(version=3, digest="d" * 64, uri="s3://datasets/digits/v0003/", items=397)
    project = observed(memory=AnnotationProjectMemory(dataset=dataset), train={"template": {"spec": RUN}}, sensitive=True)
    assert project.spec.train is not None
    check(train.build(project, project.spec.train, dataset, train.run_name(project, "v3")), "training_run.yaml")


def test_a_set_up_that_is_refused_holds_up_no_run() -> None:
    dataset = DatasetVersion(version=3, digest="d" * 64, uri="s3://datasets/digits/v0003/", items=397)
    project = observed(LabellingProject(1, "<url>", "another"), AnnotationProjectMemory(dataset=dataset), train={"template": {"spec": RUN}})
    made, wished = PROJECT.plan(project, NOW).actions
    assert isinstance(made, Create)
    assert isinstance(wished, EnsureLabellingProject)


def test_a_long_name_leaves_room_for_the_version() -> None:
    long = "a" * 40
    project = observed()
    named = Project(**{**vars(project), "ref": project.ref._replace(name=long)})
    name = train.run_name(named, "v12345")
    assert len(name) <= 40
    assert name.endswith("-v12345")


def test_the_wish_for_a_labelling_project_says_how_it_is_set_up() -> None:
    (wish,) = PROJECT.plan(observed(**FULL), NOW).actions
    assert isinstance(wish, EnsureLabellingProject)
    assert (wish.setup.title, wish.setup.guidelines) == ("digits (ml)", "Choose the digit you see.")
    assert (wish.setup.annotations_per_item, wish.setup.overlap_percent) == (2, 50)
    assert 'value="0" background="#d44444" hotkey="z"' in wish.setup.configuration


RELATED: dict[str, Any] = {
    "type": "NamedEntities",
    "labels": [{"name": "person"}, {"name": "company"}],
    "relations": [{"name": "works for", "description": "Who pays whom.", "color": "#d44444"}, {"name": "founded"}],
}


def test_relations_are_on_the_screen_and_in_the_schema_without_their_colours() -> None:
    project = observed(task=RELATED)
    assert project.setup
    assert '<Relation value="works for" background="#d44444" />' in project.setup.configuration
    assert [(each.name, each.description, each.color) for each in project.schema.relations] == [
        ("works for", "Who pays whom.", ""),
        ("founded", "", ""),
    ]
    alone = observed(task={name: value for name, value in RELATED.items() if name != "relations"})
    assert alone.setup
    assert "Relation" not in alone.setup.configuration
    assert alone.setup.digest != project.setup.digest, "a screen without them is set up anew"


@pytest.mark.parametrize(
    ("task", "unjudged"),
    [
        (RELATED, []),
        (RELATED | {"relations": None}, ["spec.quality.agreement.metric RelationF1 without spec.task.relations"]),
        (RELATED | {"relations": None, "type": "TextClassification"}, ["spec.quality.agreement.metric RelationF1 of TextClassification"]),
    ],
    ids=["with relations", "without", "of another type"],
)
def test_agreement_about_relations_is_judged_where_there_are_some(task: dict[str, Any], unjudged: list[str]) -> None:
    assert unjudged_bounds(observed(task=task, quality={"agreement": {"metric": "RelationF1", "minimum": "0.8"}})) == unjudged


def test_a_set_up_is_the_same_whatever_its_title_and_white_space() -> None:
    setup = observed().setup
    assert setup is not None
    assert replace(setup, title="other", configuration=setup.configuration.replace(">", ">\n\n  ")).digest == setup.digest
    assert replace(setup, overlap_percent=10).digest == setup.digest, "one answer per item has no overlap"
    for change in ({"configuration": "<View/>"}, {"guidelines": "new"}, {"annotations_per_item": 2}):
        assert replace(setup, **change).digest != setup.digest


def sync_of(job: Object) -> SyncSpec:
    env = {v["name"]: v.get("value") for v in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    return SyncSpec.model_validate_json(env["TREADLE_JOB"])


def test_a_sync_is_made_for_each_resync_interval_and_for_each_labelling_project() -> None:
    setup = observed(resync="10m").setup
    assert setup is not None
    jobs = []
    for number, hour in ((1, 0), (1, 1), (2, 1)):
        plan = PROJECT.plan(observed(LabellingProject(number, "<url>", setup.digest), resync="10m"), NOW.replace(hour=hour))
        (action,) = plan.actions
        assert isinstance(action, Create)
        jobs.append(action.object)
    assert [sync_of(job).slot for job in jobs] == [0, 6, 6]
    assert len({job["metadata"]["name"] for job in jobs}) == 3


def test_what_models_say_of_items_that_they_feed_back_is_no_item() -> None:
    sources = [{"name": "raw", "uri": "s3://raw/"}, {"name": "live", "uri": "s3://feedback/digits/", "kind": "Feedback", "exclude": ["*.gif"]}]
    spec: dict[str, Any] = {"source": None, "sources": sources}
    setup = observed(**spec).setup
    assert setup is not None
    (action,) = PROJECT.plan(observed(LabellingProject(7, "<url>", setup.digest), **spec), NOW).actions
    assert isinstance(action, Create)
    assert [(source.kind, source.exclude) for source in sync_of(action.object).sources] == [
        ("Items", ()),
        ("Feedback", ("*.gif", "told/*", "*/told/*")),
    ]


def test_people_read_why_a_deployment_sent_an_item_back_unless_the_screen_is_their_own() -> None:
    live = {"source": None, "sources": [{"name": "live", "uri": "s3://feedback/digits/", "kind": "Feedback"}]}
    plain, told = observed().setup, observed(**live).setup
    assert plain is not None
    assert told is not None
    assert told.configuration.replace('  <Header value="$why" size="5" />\n', "") == plain.configuration
    assert told.configuration != plain.configuration


def test_claims_are_mounted_and_only_the_one_of_the_destination_is_written_to() -> None:
    job = sync_job(source={"uri": "pvc://raw/items/"}, dataset={"destination": "pvc://sets/digits/"})
    pod = job["spec"]["template"]["spec"]
    claims = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume}
    mounts = {mount["mountPath"]: (claims[mount["name"]], mount.get("readOnly", False)) for mount in pod["containers"][0]["volumeMounts"][1:]}
    assert mounts == {"/treadle/claims/raw": ("raw", True), "/treadle/claims/sets": ("sets", False)}
    assert [variable["name"] for variable in pod["containers"][0]["env"]] == ["TREADLE_JOB", "LABEL_STUDIO_TOKEN"]
    asked = sync_of(job)
    assert (asked.store.claims, asked.copy_media) == ("/treadle/claims", True)


def test_clouds_are_told_apart_and_each_has_its_keys() -> None:
    sources = [{"name": "new", "uri": "gs://raw/new/"}, {"name": "old", "uri": "abfss://old@corp.dfs.core.windows.net/raw/"}]
    job = sync_job(source=None, sources=sources, access={"stores": [{"prefix": "abfss://old@corp.", "secret": "azure-keys"}]})
    asked = sync_of(job)
    assert asked.store.endpoint == "http://s3.example:7070", "of the destination"
    assert [(each.prefix, each.endpoint, each.number) for each in asked.store.further] == [("gs://", "", 1), ("abfss://old@corp.", "", 2)]
    env = job["spec"]["template"]["spec"]["containers"][0]["env"]
    keys = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in env if "valueFrom" in each and each["name"] != "LABEL_STUDIO_TOKEN"}
    assert {name: (key["name"], key["key"], key.get("optional", False)) for name, key in keys.items()} == {
        "AWS_ACCESS_KEY_ID": ("treadle-store", "AWS_ACCESS_KEY_ID", False),
        "AWS_SECRET_ACCESS_KEY": ("treadle-store", "AWS_SECRET_ACCESS_KEY", False),
        "GOOGLE_SERVICE_ACCOUNT_KEY_1": ("treadle-store", "GOOGLE_SERVICE_ACCOUNT_KEY", False),
        "AZURE_STORAGE_ACCOUNT_NAME_2": ("azure-keys", "AZURE_STORAGE_ACCOUNT_NAME", False),
        "AZURE_STORAGE_ACCOUNT_KEY_2": ("azure-keys", "AZURE_STORAGE_ACCOUNT_KEY", True),
        "AZURE_STORAGE_SAS_TOKEN_2": ("azure-keys", "AZURE_STORAGE_SAS_TOKEN", True),
    }
    assert asked.copy_media, "Label Studio signs no links there"


def test_stores_with_credentials_of_their_own_are_told_apart_by_their_prefixes() -> None:
    stores = [{"prefix": "s3://raw/", "secret": "raw-keys"}, {"prefix": "s3://elsewhere/", "secret": "unused"}]
    job = sync_job(access={"stores": stores})
    assert [(further.prefix, further.number) for further in sync_of(job).store.further] == [("s3://raw/", 1)]
    env = job["spec"]["template"]["spec"]["containers"][0]["env"]
    secrets = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in env if "valueFrom" in each and each["name"].startswith("AWS_ACCESS")}
    assert secrets == {
        "AWS_ACCESS_KEY_ID": {"name": "treadle-store", "key": "AWS_ACCESS_KEY_ID"},
        "AWS_ACCESS_KEY_ID_1": {"name": "raw-keys", "key": "AWS_ACCESS_KEY_ID"},
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"media": "Backend", "source": {"uri": "pvc://claim/items/"}}, "spec.media: Copy"),
        ({"media": "Backend", "source": {"uri": "gs://raw/items/"}}, "at gs://raw/items/, to which Label Studio signs no links for us"),
        ({"task": {"type": "PairwisePreference"}, "media": "Backend"}, "spec.media Backend of PairwisePreference"),
        ({"access": {"serviceAccountName": "admin"}}, "service account admin"),
        ({"backend": {"connection": "other"}}, '"other"'),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_field_in_the_message(spec: dict[str, Any], words: str) -> None:
    project = observed(**spec)
    plan = PROJECT.plan(project, NOW)
    assert plan.actions == ()
    (accepted,) = [condition for condition in plan.conditions if condition.type == "Accepted"]
    assert words in accepted.message
    assert accepted.stalled


def test_pairs_are_put_in_order_by_their_words_and_the_wish_to_find_wrong_labels_among_them_is_said_to_have_no_effect() -> None:
    wishes = {"prelabel": {"model": {"name": "digits"}}, "activeLearning": {"strategy": "CoreSet"}, "quality": {"labelErrors": {"enabled": True}}}
    plan = PROJECT.plan(observed(answers={CHAMPION: version(3)}, task={"type": "PairwisePreference"}, **wishes), NOW)
    (accepted,) = [condition for condition in plan.conditions if condition.type == "Accepted"]
    assert accepted.status
    assert accepted.message == "works without what is not supported yet: spec.quality.labelErrors of PairwisePreference"


def prelabel_job(unasked: int | None = None, proposer: ProposerRecord | None = None, **spec: Any) -> Object:
    """The Job that asks about 5,000 items; `proposer` has answered before, though not about the `unasked` ones among them."""
    answers = {CHAMPION: version(3)}
    listing = StoredFile(uri="s3://datasets/digits/items/a.jsonl", sha256="a" * 64)
    source = SourceContent(digest="b" * 64, items=5000, listing=listing, project=1, unasked=unasked)
    setup = observed(answers=answers, **spec).setup
    assert setup is not None
    memory = AnnotationProjectMemory(source=source, proposer=proposer)
    project = observed(LabellingProject(1, "<url>", setup.digest), memory, answers=answers, **spec)
    made = [action.object for action in PROJECT.plan(project, NOW).actions if isinstance(action, Create)]
    return next(job for job in made if "-prelabel-" in job["metadata"]["name"])


def test_the_job_that_asks_a_model_is_as_the_golden_says() -> None:
    check(prelabel_job(**FULL, prelabel={"model": {"name": "digits"}, "resources": {"gpu": 1, "memory": "8Gi"}}), "prelabel_job.yaml")


def test_programs_of_users_have_no_keys_and_a_place_of_their_own() -> None:
    functions = [{"name": "a", "image": "registry.example/a:1", "command": ["vote"]}, {"name": "b" * 63, "image": "registry.example/b:1"}]
    template = prelabel_job(labelingFunctions=functions)["spec"]["template"]["spec"]
    programs = [each for each in template["initContainers"] if each["name"].startswith("predict-")]
    assert [len(each["name"]) <= 63 for each in programs] == [True, True]
    for each, name in zip(programs, ["a", "b" * 63], strict=True):
        assert not [variable for variable in each["env"] if "valueFrom" in variable]
        assert {"name": "predictions", "mountPath": "/treadle/predictions", "subPath": name} in each["volumeMounts"]
        assert each["securityContext"]["readOnlyRootFilesystem"] is False


def test_as_many_pods_as_the_items_need_share_them() -> None:
    assert [shards(items) for items in (0, 1, 2000, 2001, 99_999, 1_000_000)] == [1, 1, 1, 2, 50, 50]


MODEL: dict[str, Any] = {"prelabel": {"model": {"name": "digits"}}}


def answered_before(listing: str, **other: Any) -> ProposerRecord:
    """The record of the model's answers about the items of another listing."""
    resolved = json.loads(prelabel_job(**MODEL)["metadata"]["annotations"]["treadle.dev/resolved"])
    return ProposerRecord.model_validate({**resolved, "items": listing * 64, **other})


@pytest.mark.parametrize(
    ("unasked", "proposer", "pods"),
    [
        (None, None, 3),
        (1, answered_before("c"), 1),
        (2001, answered_before("c"), 2),
        (0, answered_before("c"), 1),
        (None, answered_before("c"), 3),
        (1, answered_before("c", who="0" * 16), 3),
        (None, answered_before("a"), 1),
    ],
    ids=["nobody answered", "one is new", "some are new", "some are gone", "not known", "somebody else answered", "all were asked about"],
)
def test_only_so_many_pods_are_made_as_what_is_new_needs(unasked: int | None, proposer: ProposerRecord | None, pods: int) -> None:
    job = prelabel_job(unasked, proposer, **MODEL)
    assert job["spec"]["completions"] == pods
    for container in ("initContainers", "containers"):
        (asked,) = [each for each in job["spec"]["template"]["spec"][container] if each["name"] in ("fetch-items", "treadle")]
        (told,) = [json.loads(each["value"]) for each in asked["env"] if each["name"] == "TREADLE_JOB"]
        assert told.get("shards", 1) == pods, "all that share the work know among how many"
    assert job["metadata"]["name"] == prelabel_job(**MODEL)["metadata"]["name"], "it is the same work, whoever shares it"


def test_programs_that_check_labels_stand_between_containers_of_ours_and_have_no_keys() -> None:
    checks = [{"name": "spelling", "image": "registry.example/acme/check:1", "command": ["check"]}, {"name": "b" * 63, "image": "x"}]
    project = observed(quality={"validation": checks}, sensitive=True)
    spec = QualitySpec(
        labels=project.schema,
        destination="s3://datasets/digits/",
        store=StoreConnection(endpoint="http://s3.example:7070"),
        label_studio=LabelStudioConnection(url="http://label-studio.example:8080", project=1),
        consensus=policy.consensus_policy(project),
        checking=check_policy.checking(project),
    )
    job = stages.build(project, "quality", spec, 1, {}, check_policy.before_quality(project, spec))
    pod = job["spec"]["template"]["spec"]
    collect, spelling, long = pod["initContainers"]
    assert (collect["name"], spelling["name"], len(long["name"])) == ("fetch-items", "check-spelling", 63)
    keys = [each["name"] for each in collect["env"] if "valueFrom" in each]
    assert keys == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LABEL_STUDIO_TOKEN"]
    assert keys == [each["name"] for each in pod["containers"][0]["env"] if "valueFrom" in each]
    for program, name in ((spelling, "spelling"), (long, "b" * 63)):
        assert not [each for each in program["env"] if "valueFrom" in each]
        assert {"name": "labels", "mountPath": "/treadle/labels", "readOnly": True} in program["volumeMounts"]
        assert {"name": "refused", "mountPath": "/treadle/refused", "subPath": name} in program["volumeMounts"]
        assert program["terminationMessagePolicy"] == "File", "a sensitive project's log lines stay where they are"


def test_the_job_that_lets_a_program_prepare_a_version_is_as_the_golden_says() -> None:
    dataset = {"destination": "s3://datasets/digits/", "prepare": {"image": "registry.example/acme/clean:1", "resources": {"cpu": "4"}}}
    snapshot = StoredFile(uri="s3://datasets/digits/snapshots/a.jsonl", sha256="a" * 64)
    measured = QualityReport(digest="b" * 64, snapshot=snapshot, agreed=397, items=400, complete=400, occasion="complete")
    project = observed(memory=AnnotationProjectMemory(quality=measured), dataset=dataset)
    spec = release.wanted(project, NOW)
    assert spec is not None
    check(stages.build(project, "release", spec, 1, {}, prepare.before_release(project, spec)), "prepared_release_job.yaml")


@pytest.mark.parametrize(
    ("wrong", "audited", "bound", "off"), [(1, 30, "0.99", False), (3, 30, "0.99", True), (0, 0, "0.99", False), (2, 2, "0.5", False)]
)
def test_an_audit_ends_acceptance_only_when_chance_cannot_explain_it(wrong: int, audited: int, bound: str, off: bool) -> None:
    assert (chance_of(wrong, audited, Decimal(bound)) < CHANCE) is off
