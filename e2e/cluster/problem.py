"""The errors of this program: sentences a person can act on."""


class Problem(Exception):  # noqa: N818 - it is told to people, who call it that
    """Something is missing or did not come up. Its text is one sentence that ends in the remedy; no stack trace is shown."""


class Ended(Problem):
    """A program that has to run has ended: waiting longer is in vain."""
