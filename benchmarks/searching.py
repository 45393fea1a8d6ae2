"""How long a search of a market's index takes on this machine, beside ``python -c pass``.

    python benchmarks/searching.py [--skills 100000] [--rounds 300] [--dir DIR]

The words of the made-up skills come from the docstrings of the standard library, as often
as they do there. Each search is timed in process, the interpreter's start beside it, and
the ratio of the pair kept. Printed are the median over all pairs, that of the slowest form
of query, and the same with the catalogue opened anew for each search.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

from kurt_ext.market import digests
from kurt_ext.market.documents.index import Index
from kurt_ext.market.searching import Catalogue, build

TAGS = ("web", "files", "math", "text", "data", "images", "audio", "mail", "maps", "code")
KINDS = ("tool", "engine", "middleware", "integration", "custom")
PERMISSIONS = ("network_hosts", "filesystem_read", "filesystem_write", "environment_variables")


def vocabulary() -> Counter[str]:
    """Return the words of the standard library's texts, counted."""
    found: Counter[str] = Counter()
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for doc in re.findall(r'"""(.*?)"""', text, re.DOTALL):
            found.update(re.findall(r"[a-z]{3,14}", doc.lower()))
    return found


def index_of(count: int, seed: int = 6) -> Index:
    """Return an index of made-up skills, the same for the same seed."""
    choose = random.Random(seed)
    known = vocabulary()
    words, weights = list(known), list(known.values())
    rare = [word for word in words if known[word] < 50]
    pointer = {"url": "kurt/v1/skills/x.json", "digest": digests.of_bytes(b""), "size": 1}
    rows = []
    for number in range(count):
        name = "-".join(choose.choices(rare, k=2))
        rows.append(
            {
                "id": f"{name}-{number}"[-64:].strip("-"),
                "title": name.replace("-", " ").title(),
                "summary": " ".join(choose.choices(words, weights, k=choose.randint(8, 25))),
                "type": choose.choice(KINDS),
                "kinds": [f"kurt.{choose.choice(KINDS)}"],
                "tags": choose.sample(TAGS, 2),
                "publisher": "acme",
                "latest": "1.0.0",
                "score": choose.randint(40, 100),
                "permissions": choose.sample(PERMISSIONS, choose.randint(0, 3)),
                "updated": f"2026-{choose.randint(1, 11):02}-{choose.randint(1, 28):02}T00:00:00Z",
                "downloads": int(choose.paretovariate(0.8)),
                "detail": pointer,
            }
        )
    meta = {
        "api-version": "1.0",
        "name": "bench",
        "generated": "2026-11-21T00:00:00Z",
        "expires": "2027-11-21T00:00:00Z",
        "snapshot": 1,
    }
    return Index.of({"meta": meta, "publishers": {"acme": pointer}, "skills": rows})


def queries(index: Index, seed: int = 7) -> list[tuple[str, str, dict[str, object]]]:
    """Return (form, text, filters) of searches as people make them."""
    choose = random.Random(seed)
    known = vocabulary()
    common = [word for word, _ in known.most_common(200)]
    found: list[tuple[str, str, dict[str, object]]] = []
    for _ in range(40):
        row = choose.choice(index.skills)
        first, second, *_ = row.title.lower().split()
        wrong = list(first)
        at = choose.randrange(1, len(wrong))
        wrong[at - 1], wrong[at] = wrong[at], wrong[at - 1]
        found += [
            ("a name", row.id, {}),
            ("a word", first, {}),
            ("two words", f"{first} {second}", {}),
            ("the beginning of a word", first[:3], {}),
            ("a frequent word", choose.choice(common), {}),
            ("two frequent words", f"{choose.choice(common)} {choose.choice(common)}", {}),
            ("a typing error", "".join(wrong), {}),
            ("a word and filters", first[:4], {"kind": "tool", "tags": ["web"], "min_score": 60}),
            ("filters alone", "", {"permissions": ["network_hosts"], "kind": "engine"}),
        ]
    choose.shuffle(found)
    return found


def main() -> None:
    """Build a catalogue, search it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--skills", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--dir", type=Path, default=Path("."))
    given = parser.parse_args()
    index = index_of(given.skills)
    path = given.dir / "catalogue.sqlite"
    start = time.perf_counter()
    build(str(path), index, digests.of_bytes(b""))
    size = path.stat().st_size
    print(f"built in {time.perf_counter() - start:.1f} s, {size / 1e6:.0f} MB")
    catalogue = Catalogue(str(path))
    pairs: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    opened: list[float] = []
    asked = queries(index)
    for number in range(given.rounds):
        form, text, filters = asked[number % len(asked)]
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        base = time.perf_counter() - start
        start = time.perf_counter()
        catalogue.search(text, **filters)  # type: ignore[arg-type]
        taken = time.perf_counter() - start
        start = time.perf_counter()
        fresh = Catalogue(str(path))
        fresh.search(text, **filters)  # type: ignore[arg-type]
        fresh.close()
        opened.append((time.perf_counter() - start) / base)
        pairs.setdefault(form, []).append(taken / base)
        spent.setdefault(form, []).append(taken)
    catalogue.close()
    path.unlink()
    for form, ratios in sorted(pairs.items()):
        print(
            f"{form:<24} {statistics.median(ratios):5.2f} x   "
            f"{statistics.median(spent[form]) * 1000:6.2f} ms"
        )
    every = [one for ratios in pairs.values() for one in ratios]
    print(f"{'all':<24} {statistics.median(every):5.2f} x python -c pass")
    print(f"{'opened for each':<24} {statistics.median(opened):5.2f} x python -c pass")


if __name__ == "__main__":
    main()
