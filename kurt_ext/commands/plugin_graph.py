"""Draw which plugin needs which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..asking import ask_for, host_of, plugin_id_of
from ..graph import build
from ..jsontext import dumps
from ..output import Answer
from ..plugin_rows import RUNTIME_VERSION, metadata_of, plugins

if TYPE_CHECKING:
    from ..graph import Graph
    from ..output import Page
    from ..session import Session

__all__ = ["command"]

_FORMATS = ("text", "mermaid", "svg", "json")


@cli.command("graph", schema="plugin.graph", short_help="Draw which plugin needs which.")
@click.argument("name", required=False, shell_complete=completion.plugins)
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help="What to write."
)
@click.pass_obj
def command(session: Session, name: str | None, form: str) -> Answer:
    """Draw which plugin needs which.

    With NAME, only what it needs and who needs it. What is missing, there in
    another version, or in a circle is marked, with the reason. The SVG stands
    alone; Mermaid is drawn by GitHub and GitLab in a Markdown page. Nothing is
    imported.

    \b
    Examples:
      kurt plugin graph
      kurt plugin graph web-archiver --format svg > needs.svg
    """
    host = host_of(session)
    lives = ask_for(session, host, "list") or ()
    statuses = {life["plugin_id"]: life["status"] for life in lives}
    graph = build(
        metadata_of(plugins(session.discovery)),
        runtime_version=host.runtime_version if host else RUNTIME_VERSION,
        statuses=statuses,
    )
    root = None
    if name is not None:
        root = plugin_id_of(session, name)
        graph = graph.around(root)
    picture = _picture(graph, form)
    data = {
        "host": host.as_dict() if host else None,
        **graph.as_dict(),
        "format": form,
        "picture": picture,
    }

    def text(page: Page) -> None:
        if picture is not None:
            page.verbatim(picture)
        else:
            _write(page, session, graph, root)

    return Answer(data, text)


def _picture(graph: Graph, form: str) -> str | None:
    from .. import graph_picture

    if form == "mermaid":
        return graph_picture.mermaid(graph)
    if form == "svg":
        return graph_picture.svg(graph)
    if form == "json":
        return dumps(graph.as_dict(), 2) + "\n"
    return None


def _write(page: Page, session: Session, graph: Graph, root: str | None) -> None:
    from ..graph_picture import tree

    if root is not None and root not in graph.nodes:
        page.line(f"{root} has no code, so it is no plugin")
        return
    for line in tree(graph, root):
        page.parts(*line)
    if root is not None:
        users = sorted({edge.source for edge in graph.needed_by(root)})
        if users:
            page.parts(("needed by ", "dim"), (", ".join(users), None))
    if not graph.nodes:
        session.note("no plugin is there; try: kurt new hello")
    page.stream.flush()
    for node in graph.nodes.values():
        if node.reason and node.state == "blocked" and node.id == (root or node.id):
            session.note(node.reason.replace("\n", "; "))
