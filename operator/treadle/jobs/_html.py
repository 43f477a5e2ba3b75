"""Parts that our pages are made of: one file each, with the style inside and nothing from outside."""

from collections.abc import Iterator, Sequence
from html import escape

from treadle.jobs._page_style import STYLE


def document(title: str, body: str, footer: str) -> str:
    """A whole page around its sections."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}<footer>{escape(footer)}</footer></body></html>\n"
    )


def section(title: str, content: str) -> str:
    """A part of a page under a title; `content` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    """Rows of HTML under a head of plain words; with `numbers` all columns but the first are to the right."""

    def cells(row: Sequence[str], tag: str) -> Iterator[str]:
        return (f"<{tag}{' class=number' if numbers and place else ''}>{cell}</{tag}>" for place, cell in enumerate(row))

    titles = "".join(cells([escape(title) for title in head], "th"))
    body = "".join(f"<tr>{''.join(cells(row, 'td'))}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
