"""Ask whether a class that is to be a tool is one, and says what it takes and gives.

The class must be derived from Tool, or the first call fails. Its input model
is what the command line, and a language model, know of its arguments: without
one they are not checked.

Bad::

    class Archive:
        def archive(self, url): ...

Good::

    class Archive(Tool[ArchiveInput, ArchiveOutput]):
        async def run(self, params, context, on_progress): ...
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kurt_ext.checks import Finding, Subject
from kurt_ext.checks.definitions import Definition, ancestry, find, spelled

__all__ = ["RULES", "check"]

RULES = ("not-a-tool", "tool-without-run", "tool-without-input")
_ATTRIBUTE = "InputModel"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what a class of ``type: tool`` lacks; the code is read and not run."""
    for _, row, module in subject.implements("tool"):
        found = find(subject, module, row["class"])
        if found is not None and isinstance(found.node, ast.ClassDef):
            yield from _judge(subject, found, found.node)
        elif found is not None and isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            message = f"{row['class']} is a function, not a class"
            yield subject.finding("not-a-tool", "error", message, found.node, path=found.path)


def _judge(subject: Subject, found: Definition, node: ast.ClassDef) -> Iterator[Finding]:
    outside, inside = ancestry(subject, found)
    path = found.path
    tool = any(name.rpartition(".")[2] == "Tool" for name in outside)
    unknown = [name for name in outside if not name.startswith("builtins.")]
    if not tool:
        # A base from elsewhere may be a tool: only running it would tell.
        severity = "warning" if unknown or node.keywords else "error"
        message = f"{node.name} is not derived from kurt_tool.Tool"
        fix = f"write class {node.name}(Tool[Input, Output]), with from kurt_tool import Tool"
        yield subject.finding("not-a-tool", severity, message, node, path=path, fix=fix)
        return
    classes = [one.node for one in inside if isinstance(one.node, ast.ClassDef)]
    others = [name for name in unknown if name.rpartition(".")[2] != "Tool"]
    if not others and not any(_has(one, "run") for one in classes):
        message = f"{node.name} has no method run"
        fix = "write async def run(self, params, context, on_progress)"
        yield subject.finding("tool-without-run", "error", message, node, path=path, fix=fix)
    if not others and not any(_declares_input(one) for one in classes):
        message = f"{node.name} does not declare its input, so that arguments are not checked"
        fix = f"write class {node.name}(Tool[Input, Output]), or {_ATTRIBUTE} = Input"
        yield subject.finding("tool-without-input", "warning", message, node, path=path, fix=fix)


def _has(node: ast.ClassDef, name: str) -> bool:
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if statement.name == name:
                return True
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return True
    return False


def _declares_input(node: ast.ClassDef) -> bool:
    if _has(node, _ATTRIBUTE):
        return True
    for base in node.bases:
        if isinstance(base, ast.Subscript) and spelled(base.value).endswith("Tool"):
            first = base.slice.elts[0] if isinstance(base.slice, ast.Tuple) else base.slice
            return spelled(first) not in ("Any", "dict", "dict[str, Any]", "None")
    return False
