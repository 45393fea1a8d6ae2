"""Watching the user is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.surveillance import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("class Keyboard:\n    def Listener(self): pass\nKeyboard().Listener()", NONE, set()),
    ("import curses\ncurses.ascii", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


@pytest.mark.parametrize(
    "code",
    [
        "from pynput import keyboard\nkeyboard.Listener(on_press=print)",
        "import pynput.mouse\npynput.mouse.Listener(on_click=print)",
        "import keyboard\nkeyboard.on_press(print)",
        "import cv2\ncv2.VideoCapture(0)",
        "import mss\nmss.mss().shot()",
        "from PIL import ImageGrab\nImageGrab.grab()",
        "import pyperclip\npyperclip.paste()",
        "import pyautogui\npyautogui.screenshot()",
        "import sounddevice\nsounddevice.rec(1)",
    ],
)
def test_every_watch_is_fatal(tmp_path: Path, code: str) -> None:
    found = asked(check, tmp_path, code)
    assert {severity for _, severity in found} & {"high", "critical"}, found
