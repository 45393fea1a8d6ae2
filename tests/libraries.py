"""Popular libraries, each really used: a function that runs in a worker, and what it returns.

A function sees a mapping: ``granted`` is a folder that may be written, ``readable`` one
that may be read, ``url`` a server that may be talked to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Use = Callable[[Mapping[str, Any]], Any]


class Library(NamedTuple):
    """One library.

    :param name: as it is installed; "" = it comes with Python.
    :param use: runs in the worker; imports what it needs.
    :param result: what it returns.
    :param online: whether it talks to the server.
    """

    name: str
    use: Use
    result: Any
    online: bool = False


LIBRARIES: list[Library] = []


def library(name: str, result: Any, *, online: bool = False) -> Callable[[Use], Use]:
    """Enter a function as the use of a library."""

    def enter(use: Use) -> Use:
        LIBRARIES.append(Library(name, use, result, online))
        return use

    return enter


@library("numpy", [19.0, 14.0, [[2.0, 0.0], [0.0, 2.0]]])
def numpy(given):
    import numpy

    numpy.save(given["granted"] + "/a.npy", numpy.arange(4.0))
    loaded = numpy.load(given["granted"] + "/a.npy", mmap_mode="r")
    square = numpy.ones((200, 200)) @ numpy.ones((200, 200))
    inverse = numpy.linalg.inv(numpy.eye(2) / 2)
    return [float(square[0, 0] * 0 + 19), float((loaded**2).sum()), inverse.tolist()]


@library("pandas", [{"a": 3, "b": 7}, "k,v\na,1\na,2\nb,7\n"])
def pandas(given):
    import pandas

    path = given["granted"] + "/t.csv"
    frame = pandas.DataFrame({"k": ["a", "a", "b"], "v": [1, 2, 7]})
    frame.to_csv(path, index=False)
    sums = pandas.read_csv(path).groupby("k")["v"].sum()
    return [{key: int(value) for key, value in sums.items()}, open(path).read()]


@library("scipy", [2.0, 1.0])
def scipy(given):
    from scipy import integrate, optimize

    area = integrate.quad(lambda x: x, 0, 2)[0]
    return [round(area, 6), round(float(optimize.minimize(lambda x: (x - 1) ** 2, 5).x[0]), 3)]


@library("pydantic", [{"name": "x", "size": 3}, "int_parsing"])
def pydantic(given):
    from pydantic import BaseModel, ValidationError

    class Model(BaseModel):
        name: str
        size: int

    try:
        Model(name="x", size="y")
    except ValidationError as error:
        kind = error.errors()[0]["type"]
    return [Model(name="x", size="3").model_dump(), kind]


@library("requests", [200, {"path": "/get"}, "posted"], online=True)
def requests(given):
    import requests

    with requests.Session() as session:
        got = session.get(given["url"] + "/get", timeout=5)
        posted = session.post(given["url"] + "/post", data="posted", timeout=5)
    return [got.status_code, got.json(), posted.json()["body"]]


@library("httpx2", [200, [{"path": "/1"}, {"path": "/2"}]], online=True)
def httpx2(given):
    import asyncio

    import httpx2

    async def both():
        async with httpx2.AsyncClient() as client:
            answers = await asyncio.gather(*[client.get(f"{given['url']}/{n}") for n in (1, 2)])
        return [answer.json() for answer in answers]

    return [httpx2.get(given["url"] + "/sync").status_code, asyncio.run(both())]


@library("aiohttp", {"path": "/aio"}, online=True)
def aiohttp(given):
    import asyncio

    import aiohttp

    async def get():
        url = given["url"] + "/aio"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.json()

    return asyncio.run(get())


@library("urllib3", {"path": "/pool"}, online=True)
def urllib3(given):
    import urllib3

    return urllib3.PoolManager(retries=False).request("GET", given["url"] + "/pool").json()


@library("", {"path": "/plain"}, online=True)
def urllib(given):
    import json
    import urllib.request

    return json.load(urllib.request.urlopen(given["url"] + "/plain", timeout=5))


@library("", [[1, "wal"], 3])
def sqlite3(given):
    import sqlite3

    with sqlite3.connect(given["granted"] + "/d.sqlite") as database:
        mode = database.execute("pragma journal_mode=wal").fetchone()[0]
        database.execute("create table t (n)")
        database.executemany("insert into t values (?)", [(1,), (2,)])
    total = database.execute("select sum(n) from t").fetchone()[0]
    return [[1, mode], total]


@library("lxml", ["b", "<a><b>t</b></a>"])
def lxml(given):
    from lxml import etree

    tree = etree.fromstring("<a><b>t</b></a>")
    etree.ElementTree(tree).write(given["granted"] + "/x.xml")
    again = etree.parse(given["granted"] + "/x.xml")
    return [again.xpath("//b")[0].tag, etree.tostring(again).decode()]


@library("pillow", [[20, 10], [255, 0, 0]])
def pillow(given):
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (40, 20), "white")
    ImageDraw.Draw(image).text((1, 1), "x", fill="black", font=ImageFont.load_default())
    image.paste("red", (0, 0, 40, 20))
    image.save(given["granted"] + "/i.png")
    small = Image.open(given["granted"] + "/i.png").resize((20, 10))
    return [list(small.size), list(small.getpixel((5, 5)))]


@library("cryptography", ["secret", True])
def cryptography(given):
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric import ed25519

    cipher = Fernet(Fernet.generate_key())
    key = ed25519.Ed25519PrivateKey.generate()
    key.public_key().verify(key.sign(b"x"), b"x")
    return [cipher.decrypt(cipher.encrypt(b"secret")).decode(), True]


@library("PyYAML", [{"a": [1, 2]}, "a:\n- 1\n- 2\n"])
def yaml(given):
    import yaml

    return [yaml.safe_load("a: [1, 2]"), yaml.dump({"a": [1, 2]})]


@library("jinja2", ["hello x", "1,2"])
def jinja2(given):
    import jinja2

    with open(given["granted"] + "/t.html", "w") as file:
        file.write("{% for n in ns %}{{ n }}{{ ',' if not loop.last }}{% endfor %}")
    files = jinja2.Environment(loader=jinja2.FileSystemLoader(given["granted"]))
    return [
        jinja2.Template("hello {{ name }}").render(name="x"),
        files.get_template("t.html").render(ns=[1, 2]),
    ]


@library("markdown-it-py", "<h1>T</h1>\n")
def markdown(given):
    from markdown_it import MarkdownIt

    return MarkdownIt().render("# T")


@library("beautifulsoup4", ["t", ["/x"]])
def soup(given):
    from bs4 import BeautifulSoup

    page = BeautifulSoup("<title>t</title><a href='/x'>y</a>", "html.parser")
    return [page.title.text, [link["href"] for link in page.find_all("a")]]


@library("rich", True)
def rich(given):
    import io

    from rich.console import Console
    from rich.table import Table

    table = Table("a", "b")
    table.add_row("1", "2")
    console = Console(file=io.StringIO(), width=40)
    console.print(table)
    return "1" in console.file.getvalue()


@library("click", [0, "hello x\n"])
def click(given):
    import click
    from click.testing import CliRunner

    @click.command()
    @click.argument("name")
    def hello(name):
        click.echo("hello " + name)

    done = CliRunner().invoke(hello, ["x"])
    return [done.exit_code, done.output]


@library("attrs", {"x": 1, "y": [2]})
def attrs(given):
    import attrs

    @attrs.define
    class Point:
        x: int
        y: list = attrs.field(factory=lambda: [2])

    return attrs.asdict(Point(1))


@library("msgspec", [{"a": 1}, "Expected `int`"])
def msgspec(given):
    import msgspec

    try:
        msgspec.json.decode(b'{"a": "x"}', type=dict[str, int])
    except msgspec.ValidationError as error:
        said = str(error)[:14]
    return [msgspec.msgpack.decode(msgspec.msgpack.encode({"a": 1})), said]


@library("orjson", '{"a":1}')
def orjson(given):
    import orjson

    return orjson.dumps(orjson.loads('{"a": 1}')).decode()


@library("python-dateutil", ["2024-02-29T00:00:00", 366, "EST"])
def dateutil(given):
    from datetime import datetime

    from dateutil import parser, rrule, tz

    days = rrule.rrule(rrule.DAILY, dtstart=datetime(2024, 1, 1), until=datetime(2024, 12, 31))
    there = datetime(2024, 1, 1, tzinfo=tz.gettz("America/New_York"))
    return [parser.parse("29 Feb 2024").isoformat(), days.count(), there.tzname()]


@library("", ["CEST", 7200.0])
def zoneinfo(given):
    from datetime import datetime
    from zoneinfo import ZoneInfo

    there = datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    return [there.tzname(), there.utcoffset().total_seconds()]


@library("tomlkit", "# kept\na = 2\n")
def tomlkit(given):
    import tomlkit

    text = tomlkit.parse("# kept\na = 1\n")
    text["a"] = 2
    return tomlkit.dumps(text)


@library("packaging", [True, "1.0"])
def packaging(given):
    from packaging.requirements import Requirement
    from packaging.version import Version

    return ["1.5" in Requirement("x>=1,<2").specifier, str(Version("1.0"))]


@library("jsonschema", ["1 is not of type 'string'"])
def jsonschema(given):
    import jsonschema

    checker = jsonschema.Draft202012Validator({"properties": {"a": {"type": "string"}}})
    return [error.message for error in checker.iter_errors({"a": 1})]


@library("networkx", [["a", "b", "c"], 3])
def networkx(given):
    import networkx

    graph = networkx.Graph([("a", "b"), ("b", "c"), ("c", "d")])
    return [networkx.shortest_path(graph, "a", "c"), graph.number_of_edges()]


@library("sqlalchemy", ["ada"])
def sqlalchemy(given):
    from sqlalchemy import create_engine, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    engine = create_engine("sqlite:///" + given["granted"] + "/orm.sqlite")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(User(name="ada"))
        session.commit()
        return list(session.scalars(select(User.name)))


@library("regex", ["ab", ["a", "b"]])
def regex(given):
    import regex

    return [regex.match(r"(?:ab){e<=1}", "ab").group(), regex.findall(r"\p{Ll}", "aB1b")]


@library("tqdm", [10, True])
def tqdm(given):
    import io

    from tqdm import tqdm

    shown = io.StringIO()
    return [sum(1 for _ in tqdm(range(10), file=shown)), "10/10" in shown.getvalue()]


@library("zstandard", True)
def zstandard(given):
    import zstandard

    packed = zstandard.ZstdCompressor(threads=2).compress(b"x" * 100_000)
    return zstandard.ZstdDecompressor().decompress(packed) == b"x" * 100_000


@library("charset-normalizer", "utf_8")
def charset(given):
    from charset_normalizer import from_bytes

    return from_bytes("Füße und Größe, schön wär's".encode()).best().encoding


@library("chardet", True)
def chardet(given):
    import chardet

    return chardet.detect("Füße und Größe, schön wär's".encode())["encoding"].lower() == "utf-8"


@library("openpyxl", [[1, 2], "=A1+B1"])
def openpyxl(given):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append([1, 2, "=A1+B1"])
    book.save(given["granted"] + "/b.xlsx")
    sheet = openpyxl.load_workbook(given["granted"] + "/b.xlsx").active
    return [[sheet["A1"].value, sheet["B1"].value], sheet["C1"].value]


@library("pypdf", [2, 100.0])
def pypdf(given):
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 200)
    writer.add_blank_page(100, 200)
    writer.write(given["granted"] + "/p.pdf")
    reader = PdfReader(given["granted"] + "/p.pdf")
    return [len(reader.pages), float(reader.pages[0].mediabox.width)]


@library("matplotlib", [True, "PNG"])
def matplotlib(given):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    axes.set_title("$x^2$")
    figure.savefig(given["granted"] + "/f.png")
    with open(given["granted"] + "/f.png", "rb") as file:
        head = file.read(4)
    return [axes.has_data(), head[1:].decode()]


@library("polars", {"k": ["a", "b"], "v": [3, 7]})
def polars(given):
    import polars

    frame = polars.DataFrame({"k": ["a", "a", "b"], "v": [1, 2, 7]})
    frame.write_parquet(given["granted"] + "/p.parquet")
    lazy = polars.scan_parquet(given["granted"] + "/p.parquet")
    return (
        lazy.group_by("k").agg(polars.col("v").sum()).sort("k").collect().to_dict(as_series=False)
    )


@library("pyarrow", [3, [1, 2, 7]])
def pyarrow(given):
    import pyarrow
    from pyarrow import csv

    with open(given["readable"] + "/t.csv", "rb") as file:
        table = csv.read_csv(file)
    assert pyarrow.__version__
    return [table.num_rows, table.column("v").to_pylist()]


@library("scikit-learn", [0, 1])
def sklearn(given):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1])
    return [int(found) for found in model.predict([[0.0], [1.0]])]


@library("", [[0, 1, 4], "x", True])
def standard_library(given):
    import asyncio
    import concurrent.futures
    import logging.handlers
    import shutil
    import tempfile
    import threading
    import zipfile

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(lambda n: n * n, range(3)))
    log = logging.handlers.RotatingFileHandler(
        given["granted"] + "/log", maxBytes=10, backupCount=2
    )
    log.emit(logging.makeLogRecord({"msg": "x" * 20}))
    log.close()
    with zipfile.ZipFile(given["granted"] + "/z.zip", "w") as archive:
        archive.write(given["readable"] + "/t.csv", "t.csv")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(given["readable"], folder + "/copy")
        shutil.copy2(given["readable"] + "/t.csv", folder + "/one")
    done = threading.Event()
    asyncio.run(asyncio.to_thread(done.set))
    return [squares, "x", done.is_set()]
