"""Start a bare interpreter with our own packages in it, and nothing else of this environment."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

__all__ = ["BOOT", "OWN", "PARENT", "arguments", "packages"]

#: The folder of this package, as the started interpreter gets it: where its files really lie.
OWN = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

#: Finds packages where they are said to be. A folder that holds a checkout need not be readable.
BOOT = """
import sys
from _frozen_importlib_external import spec_from_file_location as spec
class Packages:
    def __init__(self, places):
        self.places = places
    def find_spec(self, name, path=None, target=None):
        place = self.places.get(name)
        if place:
            return spec(name, place + "/__init__.py", submodule_search_locations=[place])
packages = Packages({"kurt_ext": sys.argv[1]})
sys.meta_path.insert(2, packages)
"""
#: Stands in a command for the number of who runs it.
PARENT = "@parent@"
_ROLES = {
    "worker": "from kurt_ext.sandbox.worker import main\nmain(@parent@, packages)",
    "zygote": "from kurt_ext.sandbox.zygote import main\nmain(packages)",
}


def arguments(python: str, role: str, parent: str = "0") -> list[str]:
    """Return the command that starts an interpreter in a role.

    :param python: its path.
    :param role: ``worker`` or ``zygote``.
    :param parent: whom a worker must not outlive: a number, or :data:`PARENT` for who starts
        it; 0 = it sees the end of its channel only.
    """
    script = BOOT + _ROLES[role].replace(PARENT, parent)
    # What is ours is compiled once; a worker writes no more bytecode once it is confined.
    own = ["-B"] if sys.dont_write_bytecode else []
    return [python, "-I", "-S", *own, "-c", script, OWN]


def packages(names: tuple[str, ...] = ()) -> dict[str, str]:
    """Return name → folder of packages that are importable here; what is not is left out."""
    found = {"kurt_ext": OWN}
    for name in names:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            # An editable install is a folder of links, and what they lead to must be readable.
            file = os.path.realpath(os.path.join(folder, "__init__.py"))
            found[name] = os.path.dirname(file)
            break
    return found
