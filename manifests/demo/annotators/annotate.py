"""Two people who label the demo's digits: each signs up in Label Studio by invitation and works through the browser's own API, task by task.

They see what a person would see: the image that Label Studio hands out for the task. One of them is careless. Killed and started again they go on
where they were. They leave when nothing has come for as many seconds as STAY says.
"""

import hashlib
import hmac
import os
import random
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from manifests.demo.data.digits import read

PEOPLE = {"careful@example.com": 0.0, "careless@example.com": 0.08}  # share of wrong answers
DIGITS = [str(digit) for digit in range(10)]
TIMEOUT = httpx.Timeout(60.0, connect=5.0)
PAUSE = 2.0  # seconds between looks for something to do
PATIENCE = 20 * 60.0  # seconds without anything to do


@dataclass
class Person:
    """Somebody at a browser: signed up or signed in, then with a token of their own."""

    url: str
    email: str
    mistakes: float
    key: str
    browser: httpx.Client = field(init=False)
    answered: int = 0

    def __post_init__(self) -> None:
        self.browser = httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=httpx.HTTPTransport(retries=5))

    @property
    def password(self) -> str:
        """Theirs alone, and the same after a restart."""
        return hmac.new(self.key.encode(), self.email.encode(), hashlib.sha256).hexdigest()[:20]

    def come_in(self) -> None:
        """Sign in, or sign up when there is no such account yet; from then on requests carry their own token. Safe to repeat from any point."""
        self.browser.cookies.clear()  # a session that was begun would be sent past the form
        if not self._sign("/user/login/"):
            invitation = httpx.get(f"{self.url}/api/invite", headers={"Authorization": f"Token {self.key}"}, timeout=TIMEOUT)
            invitation.raise_for_status()
            if not self._sign(invitation.json()["invite_url"]):
                raise SystemExit(f"{self.email} can neither sign in nor sign up")
        # A new token each time: Label Studio saves a user and the user's token in two transactions, so there may be none to ask for.
        proof = {"Referer": self.url, "X-CSRFToken": self.browser.cookies.get("csrftoken", "")}
        token = self.browser.post("/api/current-user/reset-token/", headers=proof).raise_for_status().json()["token"]
        self.browser.cookies.clear()
        self.browser.headers["Authorization"] = f"Token {token}"

    def answer_next(self, project: int) -> bool:
        """Take the next task, look at its image, choose a label. False when there is none."""
        reply = self.browser.get(f"/api/projects/{project}/next/")
        if reply.status_code == 404:
            return False
        task = reply.raise_for_status().json()
        label = self._decide(self._look(task["data"]["image"]))
        result = [{"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": [label]}}]
        self.browser.post(f"/api/tasks/{task['id']}/annotations/", json={"result": result, "lead_time": 1.0}).raise_for_status()
        self.answered += 1
        return True

    def _look(self, shown: str) -> bytes:
        """The image as the browser gets it: from Label Studio, or from where Label Studio sends the browser (without our token)."""
        reply = self.browser.get(shown)
        if reply.is_redirect:
            reply = httpx.get(reply.headers["location"], timeout=TIMEOUT)
        return reply.raise_for_status().content

    def _decide(self, image: bytes) -> str:
        """The digit, or in so many cases a wrong one: the same for the same person and image, so that every demo ends alike."""
        truth = read(image)
        dice = random.Random(f"{self.email} {hashlib.sha256(image).hexdigest()}")
        if dice.random() < self.mistakes:
            return dice.choice([digit for digit in DIGITS if digit != truth])
        return truth

    def _sign(self, form: str) -> bool:
        page = self.browser.get(form, follow_redirects=True)
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if hidden is None:
            raise SystemExit(f"{self.url}{form} is not a form of Label Studio ({page.status_code})")
        entries = {"csrfmiddlewaretoken": hidden[1], "email": self.email, "password": self.password, "allow_newsletters": "false"}
        return self.browser.post(form, data=entries, headers={"Referer": self.url + form}).status_code == 302


def find_project(url: str, key: str, owner: str) -> dict[str, Any] | None:
    """The labelling project that Treadle made for `<namespace>/<name>`: the line in its description says whose it is."""
    query: dict[str, Any] = {"page_size": 1000, "include": "id,description,task_number"}
    reply = httpx.get(f"{url}/api/projects/", params=query, headers={"Authorization": f"Token {key}"}, timeout=TIMEOUT)
    mark = re.compile(rf"^treadle\.dev/owner: [^/\s]+/{re.escape(owner)}\s", re.MULTILINE)
    ours = [project for project in reply.raise_for_status().json()["results"] if mark.search(project.get("description") or "")]
    return min(ours, key=lambda project: project["id"], default=None)


def work(person: Person, owner: str, stay: float) -> None:
    """Annotate, once there is something, until nothing has come for `stay` seconds."""
    entered, begun, idle_since = False, False, time.monotonic()
    while True:
        try:
            project = find_project(person.url, person.key, owner)
            if project and not entered:
                person.come_in()
                entered = True
                print(f"{person.email} is at work in project {project['id']}", flush=True)
            if project and project["task_number"] and not begun:
                begun, idle_since = True, time.monotonic()
            while project and person.answer_next(project["id"]):
                idle_since = time.monotonic()
                if person.answered % 50 == 0:
                    print(f"{person.email}: {person.answered} answers", flush=True)
            if begun and time.monotonic() > idle_since + stay:
                print(f"{person.email} is done after {person.answered} answers", flush=True)
                return
        except httpx.HTTPError as error:
            print(f"{person.email}: {type(error).__name__} {error}", flush=True)
        if time.monotonic() > idle_since + PATIENCE:
            raise SystemExit(f"{person.email} had nothing to do for {PATIENCE / 60:.0f} minutes")
        time.sleep(PAUSE)


def main() -> int:
    """Let everybody work side by side; 0 when all of them finished."""
    url, key, owner, stay = (os.environ[name] for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_TOKEN", "OWNER", "STAY"))
    finished: list[str] = []

    def one(email: str, mistakes: float) -> None:
        work(Person(url.rstrip("/"), email, mistakes, key), owner, float(stay))
        finished.append(email)  # before the thread ends, so that who is neither alive nor here gave up

    threads = [threading.Thread(target=one, args=person, daemon=True) for person in PEOPLE.items()]
    for thread in threads:
        thread.start()
    while len(finished) < len(PEOPLE):
        if sum(thread.is_alive() for thread in threads) + len(finished) < len(PEOPLE):
            return 1  # one gave up: the Job starts both again, and each goes on where they were
        time.sleep(PAUSE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
