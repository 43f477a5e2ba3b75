"""How a request can fail, as a status code and one sentence."""

from treadle.predictors import BadInput, Misfit


class Refused(Exception):  # noqa: N818  (worded for people: the request was refused)
    """Answered with `code` and `{"error": message}`.

    Args:
        retry_after: seconds, where trying again makes sense.
        misfit: of a 400, what does not fit.
    """

    def __init__(self, code: int, message: str, *, retry_after: int | None = None, misfit: Misfit = Misfit.FORM) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.misfit = misfit

    @classmethod
    def unfit(cls, error: BadInput) -> "Refused":
        """What does not fit the model is wrong for the protocol too."""
        return cls(400, str(error), misfit=error.misfit)
