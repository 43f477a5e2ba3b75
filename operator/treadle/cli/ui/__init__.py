"""`kubectl treadle ui`: the loop as a page on loopback, read with the user's own kubeconfig. It writes nothing."""

from treadle.cli.ui._history import History, history_from
from treadle.cli.ui._server import Page, serve

__all__ = ["History", "Page", "history_from", "serve"]
