"""How several answers become one label, from spec to the words of our Jobs: quality measures by it, release is made by it."""

from treadle.annotation.project import Project
from treadle.api.annotation_quality import Gold, Review
from treadle.api.names import digest
from treadle.contracts.quality import AnnotatorLimit, Check, ConsensusPolicy, GoldPolicy, ReviewPolicy, Rule

DIGITS = 8


def consensus_policy(project: Project) -> ConsensusPolicy:
    """The policy that spec asks for."""
    quality = project.spec.quality
    return ConsensusPolicy(
        method=quality.consensus.method,
        gold=_gold(quality.gold) if quality.gold is not None else None,
        review=_review(quality.review) if quality.review is not None else None,
        rules=tuple(Rule(name=each.name, rule=each.rule) for each in quality.validation if each.rule is not None),
        checks=tuple(
            Check(name=each.name, image=each.image, command=tuple(each.command or ())) for each in quality.validation if each.image is not None
        ),
    )


def policy_name(project: Project) -> str:
    """Names the policy, so that it is known whether a measurement was made by it; empty for the one that nobody asked to be otherwise."""
    policy = consensus_policy(project)
    return "" if policy == ConsensusPolicy() else digest(policy.model_dump(mode="json", exclude_defaults=True), DIGITS)


def most_answers(project: Project) -> int:
    """Until how many answers a disputed item gets one more annotator; 0: none does, since nobody can be asked or a single answer is no dispute."""
    workforce = project.spec.workforce
    if project.by_files or workforce.annotations_per_item == 1:
        return 0
    return workforce.max_annotations_per_item or workforce.annotations_per_item + 1


def limits(project: Project) -> tuple[AnnotatorLimit, ...]:
    """How many items people shall answer at most."""
    asked = project.spec.workforce.annotators
    return tuple(AnnotatorLimit(annotator=_named(each.id), items=each.max_items) for each in asked if each.max_items is not None)


def _gold(gold: Gold) -> GoldPolicy:
    return GoldPolicy(minimum=str(gold.minimum_accuracy), exclude=gold.on_fail == "ExcludeAnnotator")


def _review(review: Review) -> ReviewPolicy:
    return ReviewPolicy(
        sample_percent=review.sample_percent or 0, disputed=bool(review.low_agreement), reviewers=tuple(sorted(map(_named, review.reviewers)))
    )


def _named(reviewer: str) -> str:
    """As annotators are named in snapshots; the number alone is what the backend's own pages show."""
    return f"u{reviewer}" if reviewer.isdigit() else reviewer
