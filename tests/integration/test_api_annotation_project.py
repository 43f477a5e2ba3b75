"""Bad AnnotationProjects, each with the words the API server must refuse it with, and its like that is accepted."""

# ruff: noqa: E501 - tables are read across

import pytest

from tests.integration.api_cases_shared import access_cases, environment_cases, name_cases, resources_cases, scheduling_cases
from tests.integration.api_server import MISSING, ApiServer, Case, api_server, changed, rules, sample
from treadle.api.annotation_source import FIELDS

__all__ = ["api_server"]

TEMPLATE = {"image": "registry.example/train:1"}
RUN = "spec.train.template.spec"
BASE = changed(sample("smallest.yaml", "AnnotationProject"), {RUN: TEMPLATE})
LABELS = [{"name": "can"}, {"name": "bottle"}]
RELATIONS = [{"name": "employs"}, {"name": "founded"}]
UNRELATED = {"type": "NamedEntities", "labels": LABELS}
RELATED = UNRELATED | {"relations": RELATIONS}
MANY = {"type": "NamedEntities", "labels": [{"name": f"label {n:03}"} for n in range(260)]}
SOURCES = {"spec.source": MISSING}

CASES = [
    *name_cases(),
    *access_cases("spec.access"),
    *resources_cases("spec.jobs.resources"),
    *scheduling_cases("spec.jobs."),
    Case("no task", {"spec.task": MISSING}, "spec.task: Required value"),
    Case("no destination", {"spec.dataset": {}}, "spec.dataset.destination: Required value"),
    Case("another destination", {"spec.dataset.destination": "s3://elsewhere/"}, "keep destination: versions are numbered there",
         {"spec.dataset.splits": {"train": 70, "validation": 20, "test": 10}}, before={}),
    Case("a group by what is not known", {"spec.source.groupBy": "{patient}"}, "spec.source.groupBy", {"spec.source.groupBy": "{top}-{parent}"}),
    Case("an unknown field", {"spec.labels": []}, 'unknown field "spec.labels"'),
    Case("an unknown task type", {"spec.task.type": "Detection"}, "supported values"),
    Case("a label that is markup", {"spec.task.labels": [{"name": "<b>"}]}, "spec.task.labels[0].name", {"spec.task.labels": [{"name": "0"}]}),
    Case("a label with an unknown colour", {"spec.task.labels.0.color": "red"}, "should match '^#", {"spec.task.labels.0.color": "#ff0000"}),
    Case("the same label twice", {"spec.task.labels": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "give each label another name",
         {"spec.task.labels": [{"name": "a"}, {"name": "b"}, {"name": "A"}]}),
    Case("301 labels", {"spec.task.labels": [{"name": f"l{n}"} for n in range(301)]}, "must have at most 300 items"),
    Case("labels that fit no Job", {"spec.task.labels": [{"name": f"l{n}", "description": "x" * 10} for n in range(300)]}, "shorten names and descriptions",
         {"spec.task.labels": [{"name": f"label {n:03}"} for n in range(300)]}),
    Case("patterns that fit no Job", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/", "include": [f"{n:0100}" for n in range(20)],
                                                                  "exclude": [f"{n:0100}" for n in range(20)]}]}, "shorten URIs and patterns of sources",
         SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/", "include": [f"{n:0100}" for n in range(18)],
                                      "exclude": [f"{n:0100}" for n in range(18)]}]}),
    Case("no labels", {"spec.task.labels": MISSING}, "set labels: the task type needs", {"spec.task.labels": MISSING, "spec.task.type": "TextRating"}),
    Case("texts without labels", {"spec.task": {"type": "TextClassification"}}, "set labels: the task type needs", {"spec.task": {"type": "PairwisePreference"}}),
    Case("points inline", {"spec.media": "Inline", "spec.task.type": "Keypoints"}, "media Inline is for text",
         {"spec.media": "Inline", "spec.task.type": "PairwisePreference"}),
    Case("a field without a name", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/b.csv", "fields": {"first": ""}}]}, "spec.sources[0].fields.first",
         SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/b.csv", "fields": {"prompt": "q", "first": "a", "second": "b"}}]}),
    Case("fields that fit no Job", SOURCES | {"spec.sources": [{"name": f"s{n}", "uri": "s3://a/b.csv", "fields": dict.fromkeys(FIELDS, "x" * 100)} for n in range(3)]},
         "shorten URIs and patterns of sources",
         SOURCES | {"spec.sources": [{"name": f"s{n}", "uri": "s3://a/b.csv", "fields": dict.fromkeys(FIELDS, "x" * 100)} for n in range(2)]}),
    Case("Custom without a configuration", {"spec.task.type": "Custom"}, "set configuration for type Custom",
         {"spec.task.type": "Custom", "spec.task.configuration": {"configMap": "ui", "key": "config.xml"}}),
    Case("a configuration that would not be used", {"spec.task.configuration": {"configMap": "ui", "key": "config.xml"}}, "set configuration for type Custom"),
    Case("a label removed", {"spec.task.labels": LABELS[:1]}, "append new labels at the end", {"spec.task.labels": [*LABELS, {"name": "box"}]}, before={}),
    Case("a label renamed", {"spec.task.labels.0.name": "tin"}, "append new labels at the end", {"spec.task.labels.0.color": "#ff0000"}, before={}),
    Case("labels reordered", {"spec.task.labels": LABELS[::-1]}, "append new labels at the end", before={}),
    Case("all labels removed", {"spec.task": {"type": "TextRating"}}, "keep labels", {"spec.task.type": "TextRating"}, before={}),
    Case("relations of boxes", {"spec.task.relations": [{"name": "beside"}]}, "remove relations, or set type NamedEntities", {"spec.task": RELATED}),
    Case("the same relation twice", {"spec.task": RELATED | {"relations": [{"name": "a"}, {"name": "a"}]}}, "give each relation another name",
         {"spec.task": RELATED | {"relations": [{"name": "a"}, {"name": "A"}]}}),
    Case("a relation called as a label", {"spec.task": RELATED | {"relations": [{"name": "employs"}, {"name": "can"}]}}, "give each relation a name that no label has",
         {"spec.task": RELATED | {"relations": [{"name": "employs"}, {"name": "Can"}]}}),
    Case("a relation that is markup", {"spec.task": RELATED | {"relations": [{"name": "a>b"}]}}, "spec.task.relations[0].name"),
    Case("a relation with a key", {"spec.task": RELATED | {"relations": [{"name": "a", "hotkey": "1"}]}}, "unknown field",
         {"spec.task": RELATED | {"relations": [{"name": "a", "color": "#ff0000", "description": "Who pays whom."}]}}),
    Case("101 relations", {"spec.task": RELATED | {"relations": [{"name": f"r{n}"} for n in range(101)]}}, "must have at most 100 items"),
    Case("labels and relations that fit no Job", {"spec.task": MANY | {"relations": [{"name": f"r{n}", "description": "x" * 500} for n in range(8)]}},
         "shorten names and descriptions of labels and relations", {"spec.task": MANY | {"relations": [{"name": f"r{n}"} for n in range(8)]}}),
    Case("a relation removed", {"spec.task": RELATED | {"relations": [{"name": "employs"}]}}, "append new relations at the end",
         {"spec.task": RELATED | {"relations": [*RELATIONS, {"name": "sells"}]}}, before={"spec.task": RELATED}),
    Case("a relation renamed", {"spec.task": RELATED | {"relations": [{"name": "hires"}, *RELATIONS[1:]]}}, "append new relations at the end",
         {"spec.task": RELATED | {"relations": [RELATIONS[0] | {"color": "#ff0000"}, *RELATIONS[1:]]}}, before={"spec.task": RELATED}),
    Case("all relations removed", {"spec.task": UNRELATED}, "keep relations", {"spec.task": RELATED | {"labels": [*LABELS, {"name": "jar"}]}}, before={"spec.task": RELATED}),
    Case("relations added later", {"spec.task": RELATED | {"type": "TextClassification"}}, "remove relations", {"spec.task": RELATED}, before={"spec.task": UNRELATED}),
    Case("no source", {"spec.source": MISSING}, "set exactly one of source or sources", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/"}]}),
    Case("both source and sources", {"spec.sources": [{"name": "a", "uri": "s3://a/"}]}, "set exactly one of source or sources"),
    Case("a source by https", {"spec.source.uri": "https://example.com/a"}, "should match '^((s3|az|pvc)://", {"spec.source.uri": "pvc://claim/a"}),
    Case("a host that is not Azure's", {"spec.source.uri": "abfss://raw@corp.dfs.example.com/a"}, "should match '^((s3|az|pvc)://",
         {"spec.source.uri": "abfss://raw@corp.dfs.core.windows.net/a"}),
    Case("credentials in a URI", {"spec.source.uri": "s3://key:secret@bucket/"}, "should match '^((s3|az|pvc)://"),
    Case("two sources of one name", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/"}, {"name": "a", "uri": "s3://b/"}]}, "Duplicate value"),
    Case("feedback with labels", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/", "kind": "Feedback", "labels": {"format": "Coco", "uri": "s3://a/l"}}]},
         "remove labels: what deployments feed back", SOURCES | {"spec.sources": [{"name": "a", "uri": "s3://a/", "kind": "Feedback"}]}),
    Case("guidelines from nowhere", {"spec.guidelines": {}}, "set exactly one of inline or configMap", {"spec.guidelines": {"inline": "Look."}}),
    Case("guidelines without a key", {"spec.guidelines": {"configMap": "a"}}, "set configMap and key together",
         {"spec.guidelines": {"configMap": "a", "key": "b.md"}}),
    Case("images inline", {"spec.media": "Inline"}, "media Inline is for text", {"spec.media": "Inline", "spec.task.type": "NamedEntities"}),
    Case("a number of minutes", {"spec.resync": 10}, "must be of type string", {"spec.resync": "10m"}),
    Case("no time at all", {"spec.resync": "0s"}, "should match", {"spec.resync": "1h30m"}),
    Case("Files with a connection", SOURCES | {"spec.backend": {"type": "Files", "connection": "a"},
         "spec.sources": [{"name": "a", "uri": "s3://a/", "labels": {"format": "Coco", "uri": "s3://a/l"}}]}, "remove adopt and connection",
         SOURCES | {"spec.backend": {"type": "Files"}, "spec.sources": [{"name": "a", "uri": "s3://a/", "labels": {"format": "Coco", "uri": "s3://a/l"}}]}),
    Case("Files without labels", {"spec.backend": {"type": "Files"}}, "backend type Files needs a source with labels", {"spec.backend": {"type": "LabelStudio"}}),
    Case("fewer annotations at most than at least", {"spec.workforce": {"annotationsPerItem": 3, "maxAnnotationsPerItem": 2}}, "raise maxAnnotationsPerItem",
         {"spec.workforce": {"annotationsPerItem": 2, "maxAnnotationsPerItem": 2}}),
    Case("no annotation per item", {"spec.workforce": {"annotationsPerItem": 0}}, "should be greater than or equal to 1"),
    Case("101 percent", {"spec.workforce": {"overlapPercent": 101}}, "should be less than or equal to 100"),
    Case("a proposal from nowhere", {"spec.prelabel": {}}, "set exactly one of model or image", {"spec.prelabel": {"image": "a"}}),
    Case("a command without an image", {"spec.prelabel": {"model": {"name": "a"}, "command": ["b"]}}, "command needs image",
         {"spec.prelabel": {"image": "a", "command": ["b"]}}),
    Case("a model by alias and version", {"spec.prelabel.model": {"name": "a", "alias": "b", "version": "3"}}, "set at most one of alias or version",
         {"spec.prelabel.model": {"name": "a", "version": "3"}}),
    Case("a confidence above 1", {"spec.prelabel": {"image": "a", "autoAccept": {"minConfidence": "1.5"}}}, "minConfidence"),
    Case("proposals and labeling functions", {"spec.prelabel": {"image": "a"}, "spec.labelingFunctions": [{"name": "a", "image": "b"}]},
         "set at most one of prelabel or labelingFunctions", {"spec.labelingFunctions": [{"name": "a", "image": "b"}]}),
    Case("active learning without a model", {"spec.activeLearning": {"strategy": "Margin"}}, "activeLearning needs prelabel or labelingFunctions",
         {"spec.activeLearning": {"strategy": "Margin"}, "spec.prelabel": {"image": "a"}}),
    Case("agreement of one person", {"spec.quality": {"agreement": {"minimum": "0.8"}}}, "quality.agreement needs two opinions",
         {"spec.quality": {"agreement": {"minimum": "0.8"}}, "spec.workforce": {"annotationsPerItem": 2}}),
    Case("a float as a bound", {"spec.quality": {"agreement": {"minimum": 0.8}}, "spec.workforce": {"annotationsPerItem": 2}}, "must be of type string"),
    Case("a review of nothing", {"spec.quality": {"review": {"reviewers": ["a"]}}}, "set samplePercent, or lowAgreement: true",
         {"spec.quality": {"review": {"lowAgreement": True}}}),
    Case("a check that checks nothing", {"spec.quality": {"validation": [{"name": "a"}]}}, "set exactly one of rule or image",
         {"spec.quality": {"validation": [{"name": "a", "rule": "true"}]}}),
    Case("a rule with a command", {"spec.quality": {"validation": [{"name": "a", "rule": "true", "command": ["b"]}]}}, "command needs image",
         {"spec.quality": {"validation": [{"name": "a", "image": "c", "command": ["b"]}]}}),
    Case("splits of 110 percent", {"spec.dataset.splits": {"train": 90, "validation": 10, "test": 10}}, "add up to 100",
         {"spec.dataset.splits": {"train": 100, "validation": 0, "test": 0}}),
    Case("half a schedule", {"spec.dataset.release": {"schedule": "0 3"}}, "release.schedule", {"spec.dataset.release": {"schedule": "0 3 * * 1"}}),
    Case("a dataset in the template", {f"{RUN}": TEMPLATE | {"dataset": {"project": "a"}}}, "unknown field", {f"{RUN}": TEMPLATE}),
    Case("a template that registers untracked", {f"{RUN}": TEMPLATE | {"tracking": {"type": "None"}, "register": {"model": "a"}}}, "register needs tracking",
         {f"{RUN}": TEMPLATE | {"tracking": {}, "register": {"model": "a"}}}),
    *environment_cases(f"{RUN}.env"),
]  # fmt: skip


def identity(case: Case) -> str:
    return case.what


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_a_bad_project_is_refused_with_advice(api_server: ApiServer, case: Case) -> None:
    assert case.message in api_server.refuses(BASE, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.good], ids=identity)
def test_its_like_is_accepted_once_the_advice_is_followed(api_server: ApiServer, case: Case) -> None:
    assert api_server.accepts(BASE, case) == ""


def test_every_rule_of_the_project_itself_is_tried_both_ways() -> None:
    of_runs = rules("TrainingRun")
    for rule in rules("AnnotationProject") - of_runs:
        tried = [case for case in CASES if case.message in rule]
        assert tried, f"no object breaks: {rule}"
        assert any(case.good for case in tried), f"no object keeps: {rule}"
