"""Label Studio, as a connection: answers questions about labelling projects and makes wishes true over its REST API.

A project is ours when a line of its description says so. Label Studio has no create-once and no roles, so everything here finds before it makes,
and everything that could lose human work is asked first and refused.
"""

import asyncio
import html
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

import httpx
from pydantic import ValidationError

from treadle.api.names import digest
from treadle.api.reasons import Reason
from treadle.connections._http import JsonClient, Reply
from treadle.connections._label_studio_project import DETAILS, Project, Tag, words_digest
from treadle.connections._label_studio_tasks import Tasks
from treadle.connections._label_studio_token import LabelStudioToken
from treadle.connections._recent import Recent
from treadle.connections.installation import LabelStudioSettings, Owner
from treadle.connections.labelling import (
    AnnotationsChanged,
    CloseLabellingProject,
    EnsureLabellingProject,
    FindLabellingProject,
    LabellingProgress,
    LabellingProject,
    Progress,
)
from treadle.plan import Effect, Question, Trouble

Wish = EnsureLabellingProject | CloseLabellingProject

PAGE = 100  # more are not given
PAGES = 1000
"""Pages of a listing; a server that has still more is not in its right mind."""
READINGS = 3
DELETE_SECONDS = 120.0
"""For deleting a project, which goes through all that it held."""
SKIP_POLICY = "IGNORE_SKIPPED"
"""A skip counts as an answer, so that an item that everybody skips does not stay open for ever; release leaves it out and counts it."""


class LabelStudio:
    """One Label Studio; implements the engine's `Connection`.

    Args:
        settings: as configured by the admin.
        clock: seconds that never go back.
        transport: in tests, what stands for the network.
    """

    def __init__(
        self, settings: LabelStudioSettings, *, clock: Callable[[], float] = time.monotonic, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._browser_url = (settings.browser_url or settings.url).rstrip("/")
        token = LabelStudioToken(settings.url, settings.token_file, clock)
        self._http = JsonClient("Label Studio", settings.url, auth=token, ca_file=settings.ca_file, transport=transport)
        self._tasks = Tasks(self._http)
        self._one_deletion = asyncio.Lock()
        self._unnoticed: Recent[int, tuple[Progress, int]] = Recent()

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        """Answer all questions with one look at the list of projects and one at those that matter, however many they are."""
        wanted = {question.project for question in questions if isinstance(question, LabellingProgress)}
        tagged: Mapping[str, Sequence[int]] = {}
        if finds := [question for question in questions if isinstance(question, FindLabellingProject)]:
            tagged = await self._tagged()
            wanted |= {project for question in finds for project in tagged.get(question.owner.identity, ())}
        projects = {project.id: project for project in await self._details(wanted)}
        answers: dict[Question[Any], object] = {}
        for question in questions:
            match question:
                case FindLabellingProject():
                    ours = [projects[number] for number in tagged.get(question.owner.identity, ()) if number in projects]
                    answers[question] = await self._found(ours, question.adopt)
                case LabellingProgress(project=project):
                    answers[question] = await self._progress(projects[project]) if project in projects else None
                case AnnotationsChanged(project=project):
                    answers[question] = await self._tasks.latest_change(project)
                case _:
                    raise TypeError(f"not a question for a labelling backend: {question}")
        return answers

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        """Make a wish true."""
        if not isinstance(effect, EnsureLabellingProject | CloseLabellingProject):
            raise TypeError(f"not a wish for a labelling backend: {effect}")
        wish: Wish = effect
        match wish:
            case EnsureLabellingProject():
                question = FindLabellingProject(connection=wish.connection, owner=wish.owner, adopt=wish.adopt)
                return {question: self._told(await self._ensure(wish))}
            case CloseLabellingProject():
                return await self._close(wish)
            case _:
                assert_never(wish)

    async def close(self) -> None:
        """Close sockets."""
        await self._http.close()

    async def _found(self, ours: Sequence[Project], adopt: int | None) -> LabellingProject | None:
        """The answer where these projects, by ascending ids, have the owner's tag."""
        number = _chosen([project.id for project in ours], adopt)
        chosen = next((project for project in ours if project.id == number), None)
        if chosen is None:
            return None
        others = [project.id for project in ours if project is not chosen and not project.progress.human_work]
        return replace(self._told(chosen), twins=tuple([number for number in others if not await self._tasks.drafts(number)]))

    async def _ensure(self, wish: EnsureLabellingProject) -> Project:
        if wish.adopt is not None:
            project = await self._adoptable(wish.adopt, wish.owner)
        else:
            project = await self._ours(wish.owner) or await self._untagged(wish.known) or await self._created(wish)
        for twin in (await self._tagged())[wish.owner.identity]:
            if twin != project.id:
                await self._delete_if_empty(twin, wish.owner)
        return await self._set_up(project, wish)

    async def _ours(self, owner: Owner) -> Project | None:
        chosen = _chosen((await self._tagged())[owner.identity], None)
        return await self._detail(chosen) if chosen is not None else None

    async def _untagged(self, known: int | None) -> Project | None:
        """The project that was ours, if it is there and nobody's by now."""
        project = await self._detail(known) if known is not None else None
        return project if project is not None and project.tag is None else None

    async def _created(self, wish: EnsureLabellingProject) -> Project:
        valid = await self._http.send("POST", "/api/projects/validate/", body={"label_config": wish.setup.configuration})
        if not valid.ok:
            raise self._http.trouble(Reason.LabellingConfigurationInvalid, f"refuses the labelling configuration: {valid.detail}", stalled=True)
        body = _wanted(wish, "") | {"title": wish.setup.title}
        self._must(await self._http.send("POST", "/api/projects/", body=body), "create a project")
        if (project := await self._ours(wish.owner)) is None:  # the lowest id, should a twin have been made meanwhile
            raise self._http.trouble(Reason.UnexpectedAnswer, "does not list the project that was just created")
        return project

    async def _adoptable(self, adopt: int, owner: Owner) -> Project:
        project = await self._detail(adopt)
        if project is None:
            raise self._http.trouble(Reason.LabellingProjectNotFound, f"has no project {adopt} to adopt", stalled=True)
        if project.tag is not None and project.tag.identity != owner.identity:
            installation, _, rest = project.tag.identity.partition("/")
            if installation == owner.installation and rest.partition("/")[0] != owner.namespace:
                raise self._http.trouble(Reason.OwnedElsewhere, f"has project {adopt}, but it belongs to {rest}", stalled=True)
        return project

    async def _set_up(self, project: Project, wish: EnsureLabellingProject) -> Project:
        if project.tag and replace(project.tag, shown=_tag(wish).shown) == _tag(wish) and project.setup == wish.setup.digest:
            return project
        changes = _wanted(wish, project.description or "")
        if " ".join((project.label_config or "").split()) == " ".join(wish.setup.configuration.split()):
            del changes["label_config"]  # sending it again would reset people's views
        else:
            valid = await self._http.send("POST", f"/api/projects/{project.id}/validate/", body={"label_config": wish.setup.configuration})
            if not valid.ok:
                raise self._http.trouble(
                    Reason.LabelsInUse, f"keeps project {project.id} as it is, answers would be lost: {valid.detail}", stalled=True
                )
        self._must(await self._http.send("PATCH", f"/api/projects/{project.id}/", body=changes), f"change project {project.id}")
        changed = await self._noted(project.id)
        if changed is None or changed.setup != wish.setup.digest:
            raise self._http.trouble(Reason.UnexpectedAnswer, f"does not keep what project {project.id} is set to", stalled=True)
        return changed

    async def _noted(self, number: int) -> Project | None:
        """The project as it is now, after it was noted in its description what became of the guidelines."""
        project = await self._detail(number)
        if project is None or project.tag is None or project.tag.shown == project.shown:
            return project
        noted = replace(project.tag, shown=project.shown).put_into(project.description or "")
        self._must(await self._http.send("PATCH", f"/api/projects/{number}/", body={"description": noted}), f"change project {number}")
        return await self._detail(number)

    async def _close(self, wish: CloseLabellingProject) -> Mapping[Question[Any], object]:
        left, drafts = await self._delete_if_empty(wish.project, wish.owner)
        find = FindLabellingProject(connection=wish.connection, owner=wish.owner)
        progress = LabellingProgress(connection=wish.connection, project=wish.project)
        return {**await self.answer([find]), progress: replace(left.progress, drafts=drafts) if left else None}

    async def _delete_if_empty(self, number: int, owner: Owner) -> tuple[Project | None, int]:
        """Delete a project of the owner that holds no human work; returns it with the number of drafts when it stays."""
        project = await self._detail(number)
        if project is None or project.tag is None or project.tag.identity != owner.identity or project.progress.human_work:
            return project, 0
        if drafts := await self._tasks.drafts(number):
            return project, drafts
        # While Label Studio deletes a project, its process forgets what to do when something is saved; two deletions at once make it forget for
        # good: annotations are no longer counted, new users get no token, until it is restarted.
        async with self._one_deletion:
            reply = await self._http.send("DELETE", f"/api/projects/{number}/", seconds=DELETE_SECONDS)
        if reply.status != httpx.codes.NOT_FOUND:
            self._must(reply, f"delete project {number}")
        return None, 0

    async def _progress(self, project: Project) -> Progress:
        """Progress with the finished tasks that Label Studio overlooked; they are counted anew only when its counters moved."""
        counted = project.progress
        if not project.is_suspicious:
            return counted
        known = self._unnoticed.get(project.id)
        if known is None or known[0] != counted:
            known = self._unnoticed.put(project.id, (counted, await self._tasks.finished_unnoticed(project.id)))
        return replace(counted, finished=counted.finished + known[1])

    async def _tagged(self) -> Mapping[str, Sequence[int]]:
        """The ids of the projects of each identity, ascending."""
        tagged: defaultdict[str, list[int]] = defaultdict(list)
        for project in await self._list({"include": "id,description"}):
            if project.tag is not None:
                tagged[project.tag.identity].append(project.id)
        for numbers in tagged.values():
            numbers.sort()
        return tagged

    async def _details(self, numbers: Collection[int]) -> Iterable[Project]:
        if not numbers:
            return ()
        projects = await self._list({"ids": ",".join(map(str, sorted(numbers))), "include": ",".join(DETAILS)})
        return [project for project in projects if project.id in numbers]

    async def _detail(self, number: int) -> Project | None:
        return next(iter(await self._details([number])), None)

    async def _list(self, query: Mapping[str, object]) -> Sequence[Project]:
        """All projects, the oldest first. What comes while they are read is at the end, where it moves no other one out of sight; where one goes, the
        next one may have moved onto a page that was read before, so that they are read again. Newest first, which is the server's own order, the
        oldest would be missed: it counts them, and then reads so many.
        """
        for _ in range(READINGS):
            projects, counts = await self._read({**query, "ordering": "id"})
            if min(counts) == counts[0]:
                return projects
        raise self._http.trouble(Reason.UnexpectedAnswer, f"lists projects, of which some went each of {READINGS} times before all were read")

    async def _read(self, query: Mapping[str, object]) -> tuple[Sequence[Project], Sequence[int]]:
        """All pages, and how many projects there were at each of them."""
        projects: list[Project] = []
        counts: list[int] = []
        for page in range(1, PAGES + 1):
            reply = await self._http.send("GET", "/api/projects/", query={**query, "page": page, "page_size": PAGE})
            self._must(reply, "list projects")
            try:
                projects += [Project.model_validate(item) for item in reply.body["results"]]
                counts.append(int(reply.body["count"]))
                if not reply.body["next"]:
                    return projects, counts
            except (ValidationError, KeyError, TypeError, ValueError) as error:
                raise self._http.trouble(Reason.UnexpectedAnswer, f"lists projects in a way not understood: {reply.detail}") from error
        raise self._http.trouble(Reason.UnexpectedAnswer, f"lists projects without end: more than {PAGES} pages")

    def _told(self, project: Project) -> LabellingProject:
        return LabellingProject(id=project.id, url=f"{self._browser_url}/projects/{project.id}/data", setup=project.setup)

    def _must(self, reply: Reply, what: str) -> None:
        if not reply.ok:
            raise self._trouble(reply, what)

    def _trouble(self, reply: Reply, what: str) -> Trouble:
        return self._http.trouble(Reason.UnexpectedAnswer, f"refuses to {what} ({reply.status}): {reply.detail}")


def _chosen(numbers: Sequence[int], adopt: int | None) -> int | None:
    """Which of the projects with our tag (ascending ids) is the one."""
    if adopt is not None:
        return adopt if adopt in numbers else None
    return next(iter(numbers), None)


def _wanted(wish: EnsureLabellingProject, description: str) -> dict[str, object]:
    """What a project is set to."""
    return {
        "description": _tag(wish).put_into(description),
        "label_config": wish.setup.configuration,
        "expert_instruction": html.escape(wish.setup.guidelines).replace("\n", "<br>"),
        "show_instruction": bool(wish.setup.guidelines),
        "maximum_annotations": wish.setup.annotations_per_item,
        "overlap_cohort_percentage": wish.setup.overlap_percent,
        "skip_queue": SKIP_POLICY,
    }


def _tag(wish: EnsureLabellingProject) -> Tag:
    return Tag(wish.owner.identity, wish.owner.uid, digest(wish.setup.guidelines, 8), words_digest(wish.setup.guidelines))
