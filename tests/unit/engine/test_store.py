"""The cache stays coherent whatever order the watch, our LISTs and the answers to our writes arrive in."""

import gc
from typing import Any

from treadle.api import names
from treadle.engine._store import Store
from treadle.plan import Ref

REF = Ref("Job", "ml", "a")


def job(version: int, uid: str = "u1", owner: str | None = None, name: str = "a") -> dict[str, Any]:
    owners = [{"uid": owner, "controller": True}] if owner else []
    known = {"name": name, "namespace": "ml", "uid": uid, "resourceVersion": str(version), "ownerReferences": owners}
    return {"kind": "Job", "metadata": {**known, "labels": {names.MANAGED_BY: names.MANAGED_BY_VALUE}}}


def unlabelled(version: int) -> dict[str, Any]:
    """The same Job after somebody took our label off: the watch calls it DELETED, at this version."""
    this = job(version)
    del this["metadata"]["labels"]
    return this


def test_an_older_message_changes_nothing() -> None:
    store = Store()
    assert list(store.put(job(5)))
    assert not list(store.put(job(5)))
    assert not list(store.put(job(4)))
    assert store.get(REF) == job(5)


def test_what_is_gone_is_not_raised_by_a_late_message() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.remove(REF, "u1"))
    assert not list(store.put(job(9)))
    assert store.get(REF) is None
    assert list(store.put(job(10, uid="u2"))), "another object of the same name is another object"


def test_what_only_lost_its_label_is_known_again_to_whoever_asks_for_it() -> None:
    store = Store()
    list(store.put(job(5)))
    before = store.moment
    assert list(store.remove(REF, "u1", 8))
    assert not list(store.put(job(7), before)), "an answer to what was asked before the watch told may be older than that"
    assert not list(store.put(unlabelled(8))), "a LIST cannot say so: it selects by the label"
    assert list(store.put(unlabelled(8), store.moment))
    assert store.get(REF) == unlabelled(8)
    assert [*store.strays()] == [REF]
    assert list(store.put(job(9))), "its label is back"
    assert not store.strays()


def test_what_got_its_label_back_is_known_again_by_the_watch_alone() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.remove(REF, "u1", 8))
    assert not list(store.put(job(8)))
    assert list(store.put(job(9)))


def test_a_late_word_of_the_lost_label_does_not_remove_what_has_it_again() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.put(job(9), store.moment))
    assert not list(store.remove(REF, "u1", 8))
    assert store.get(REF) == job(9)


def test_what_the_server_itself_says_is_gone_stays_so() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.remove(REF, "u1"))
    assert not list(store.put(job(9), store.moment))


def test_a_list_cannot_tell_of_what_lost_its_label() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.retain("Job", (), 10))
    assert store.get(REF) is None, "gone, or without its label: a LIST does not say"
    assert not list(store.put(job(10)))
    assert list(store.put(unlabelled(8), store.moment))
    list(store.retain("Job", (), 12))
    assert store.get(REF) == unlabelled(8)
    assert list(store.remove(REF, "u1")), "the server itself says that it is gone"
    assert not store.strays()


def test_a_late_delete_of_a_predecessor_does_not_remove_its_successor() -> None:
    store = Store()
    list(store.put(job(10, uid="u2")))
    assert not list(store.remove(REF, "u1"))
    assert store.get(REF) == job(10, uid="u2")


def test_a_list_removes_only_what_it_is_newer_than() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.put(job(20, uid="u3", name="b")))
    list(store.retain("Job", (), 10))
    assert store.get(REF) is None, "a ghost: deleted while the watch was cut"
    assert store.get(Ref("Job", "ml", "b")) is not None, "made after the list was taken"


def test_a_list_of_one_namespace_leaves_the_others_alone() -> None:
    store = Store()
    list(store.put(job(5)))
    list(store.retain("Job", (), 10, "other"))
    assert store.get(REF) is not None


def test_children_are_found_by_their_owners_uid_and_follow_a_change_of_owner() -> None:
    store = Store()
    list(store.put(job(5, owner="o1")))
    assert [o["metadata"]["name"] for o in store.owned("o1", "Job")] == ["a"]
    list(store.put(job(6, owner="o2")))
    assert store.owned("o1", "Job") == []
    assert len(store.owned("o2", "Job")) == 1


def test_managed_fields_are_not_kept() -> None:
    store = Store()
    this = job(5)
    this["metadata"]["managedFields"] = [{"manager": "x"}]
    this["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}
    list(store.put(this))
    kept = store.get(REF)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]
    assert kept["metadata"]["annotations"] == {"a": "b"}


def test_of_pods_and_jobs_only_what_is_read_is_kept() -> None:
    store = Store()
    template = {"spec": {"containers": [{"name": "main", "env": [{"name": "TREADLE_JOB", "value": "x" * 30_000}]}]}}
    list(store.put({**job(1), "spec": {"suspend": True, "template": template}}))
    list(store.put({**job(2, uid="u2", name="a-x"), "kind": "Pod", "spec": {"nodeName": "node-1", **template["spec"]}}))
    kept, pod = store.get(REF), store.get(Ref("Pod", "ml", "a-x"))
    assert kept is not None
    assert pod is not None
    assert kept["spec"] == {"suspend": True}
    assert pod["spec"] == {"nodeName": "node-1"}


def test_who_looks_gets_the_object_as_it_was_put_and_can_spoil_nothing() -> None:
    store = Store()
    this = job(5) | {"status": {"conditions": [{"type": "Complete", "status": "True"}], "share": 0.25, "none": None, "words": "Größe"}}
    list(store.put(this))
    seen: Any = store.get(REF)
    assert seen == this
    seen["status"]["conditions"].clear()
    assert store.get(REF) == this


def test_an_object_at_rest_is_one_text() -> None:
    store = Store()
    list(store.put(job(5)))
    (entry,) = store.entries("Job")
    assert isinstance(entry.packed, bytes)
    assert not gc.is_tracked(entry.packed), "nothing that a collection of garbage would walk through"


def test_labels_are_found_also_when_they_were_first_asked_for_later_and_follow_their_objects() -> None:
    store = Store()
    labelled = [job(n, uid=f"u{n}", name=name) for n, name in ((1, "b"), (2, "a"), (3, "c"))]
    for this in labelled[:2]:
        this["metadata"]["labels"] = {"run": "x"}
    list(store.put(labelled[0]))
    assert [o["metadata"]["name"] for o in store.labelled("Job", "ml", "run", "x")] == ["b"]
    list(store.put(labelled[1]))
    list(store.put(labelled[2]))
    assert [o["metadata"]["name"] for o in store.labelled("Job", "ml", "run", "x")] == ["a", "b"]
    assert store.labelled("Job", "other", "run", "x") == []
    moved = job(9, uid="u2", name="a")
    moved["metadata"]["labels"] = {"run": "y"}
    list(store.put(moved))
    list(store.remove(Ref("Job", "ml", "b"), "u1"))
    assert store.labelled("Job", "ml", "run", "x") == []
    assert [o["metadata"]["name"] for o in store.labelled("Job", "ml", "run", "y")] == ["a"]
