"""What an entry of a permission covers, and what it only looks as if it did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext import grant_hosts, grant_paths, grant_programs
from kurt_ext.fields import PERMISSIONS
from kurt_ext.grant_services import SERVICES, of_host, of_package, service
from kurt_ext.grants import LISTS, Grants, narrow, union, widening


def grants(key: str, *entries: str) -> Grants:
    return Grants.of({key: list(entries)}, windows=False)


HOSTS = [
    ("api.example.com", "api.example.com", True),
    ("api.example.com", "API.Example.COM.", True),
    ("api.example.com", "https://api.example.com/v1?q=1", True),
    ("api.example.com", "http://api.example.com:8080", True),
    ("api.example.com", "api.example.com.evil.com", False),
    ("api.example.com", "evil-api.example.com", False),
    ("api.example.com", "xapi.example.com", False),
    ("api.example.com", "example.com", False),
    ("api.example.com", "https://api.example.com@evil.com/", False),
    ("api.example.com", "https://user:pw@api.example.com/", True),
    ("api.example.com", "https://evil.com/api.example.com", False),
    ("api.example.com", "https://evil.com?api.example.com", False),
    ("api.example.com", "https://evil.com#@api.example.com", False),
    ("api.example.com", "https://api.example.com\\@evil.com/", False),
    ("api.example.com", "https://evil.com\\@api.example.com/", False),
    ("api.example.com", "https://api.example.com%2eevil.com/", False),
    ("api.example.com", "api.example.com evil.com", False),
    ("api.example.com", "api.example.com\n.evil.com", False),
    ("api.example.com", "api..example.com", False),
    ("api.example.com", "", True),
    ("*.example.com", "api.example.com", True),
    ("*.example.com", "a.b.example.com", True),
    ("*.example.com", "example.com", False),
    ("*.example.com", "evilexample.com", False),
    ("*.example.com", "api.example.com.evil.com", False),
    ("*.com", "example.com", True),
    ("*.com", "example.org", False),
    ("*", "example.org", True),
    ("*", "not a host", False),
    ("api*.example.com", "api1.example.com", False),
    ("*example.com", "evilexample.com", False),
    ("*.*.com", "a.b.com", False),
    ("api.example.com:8443", "https://api.example.com:8443/x", True),
    ("api.example.com:8443", "https://api.example.com/x", False),
    ("api.example.com:443", "https://api.example.com/x", True),
    ("api.example.com:443", "http://api.example.com/x", False),
    ("api.example.com:8443", "api.example.com", True),  # on some port
    ("*.example.com:443", "https://api.example.com", True),
    ("api.example.com:99999", "api.example.com", False),
    ("https://api.example.com/v1", "api.example.com", True),
    ("https://api.example.com@evil.com", "api.example.com", False),
    ("https://api.example.com@evil.com", "evil.com", True),
    ("bücher.example", "xn--bcher-kva.example", True),
    ("xn--bcher-kva.example", "https://BÜCHER.example/", True),
    ("bücher.example", "bucher.example", False),
    ("аpple.com", "apple.com", False),  # the first letter is Cyrillic
    ("[::1]", "::1", True),
    ("[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/", True),
    ("[::1]:8080", "http://[::1]:9090/", False),
    ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
    ("127.0.0.1", "http://127.1/", False),
    ("127.0.0.1", "http://2130706433/", False),
    ("127.0.0.1", "0x7f.0.0.1", False),
    ("*.0.0.1", "127.0.0.1", False),
    ("localhost", "localhost", True),
    ("localhost", "http://127.0.0.1", False),
    # … is what nobody knows
    ("api.example.com", "https://…", True),
    ("api.example.com", "…/v1/things", True),
    ("*.example.com", "https://….api.example.com/x", True),
    ("eu.api.example.com", "https://….api.example.com/x", True),
    ("*.example.com", "https://….evil.com/x", False),
    ("api.example.com", "https://….evil.com/x", False),
    ("api.example.com", "https://api.example.com/…", True),
    ("api.example.com", "https://api.example.com…", True),
    ("*.example.com", "https://evil.com…", False),
    ("*.example.com", "https://evil.com/…", False),
    ("api.example.com:8443", "https://api.example.com:…/", True),
]


@pytest.mark.parametrize(("entry", "target", "expected"), HOSTS)
def test_a_host_is_covered_by_its_labels(entry: str, target: str, expected: bool) -> None:
    assert grants("network_hosts", entry).covers("network_hosts", target) is expected


PATHS = [
    ("/data", "/data", True),
    ("/data", "/data/x/y", True),
    ("/data", "/database", False),
    ("/data/", "/data/x", True),
    ("/data", "/data/../etc/passwd", False),
    ("/data", "/data/./x//y", True),
    ("/data", "//data/x", True),
    ("/data/../etc", "/etc/passwd", True),
    ("/data", "data", False),
    ("/data/**", "/data/x/y", True),
    ("/data/**", "/data", True),
    ("/data/*", "/data/x", True),
    ("/data/*", "/data", False),
    ("/data/*.csv", "/data/a.csv", True),
    ("/data/*.csv", "/data/a.csv.exe", False),
    ("/data/**/out", "/data/a/b/out/x", True),
    ("/data/**/out", "/data/a/b/in", False),
    ("/data/**/../x", "/etc", False),
    ("/", "/etc/passwd", True),
    ("/", "~/x", True),
    ("~/notes", "~/notes/a", True),
    ("~/notes", "$HOME/notes/a", True),
    ("${HOME}/notes", "~/notes/a", True),
    ("%USERPROFILE%\\notes", "~/notes/a", True),
    ("~/notes", "~/../notes", False),
    ("~", "~other/x", False),
    ("~/notes", "/notes", False),
    ("$XDG_CACHE_HOME/x", "${XDG_CACHE_HOME}/x/y", True),
    ("$XDG_CACHE_HOME/x", "$XDG_DATA_HOME/x/y", False),
    ("./cache", "cache/x", True),
    ("cache", "./cache/x", True),
    ("cache", "<skill>/cache/x", True),
    ("./cache", "<skill>/../cache", False),
    (".", "x", True),
    (".", "../x", False),
    ("..", "../x", True),
    ("..", "x", True),
    ("../assets", "../assets/x", True),
    ("../assets", "assets/x", False),
    ("cache", "/cache", False),
    ("*", "x/y", True),
    ("*", "/etc/passwd", False),
    ("**", "/etc/passwd", False),
    ("C:\\Data", "c:/data/X", True),
    ("C:\\Data", "C:\\Database", False),
    ("C:\\Data", "\\\\?\\C:\\Data\\x", True),
    ("C:\\Data", "C:\\Data. \\x", True),
    ("C:\\Data", "D:\\Data", False),
    ("C:\\Data", "C:Data", False),
    ("C:\\Data", "C:\\Data\\..\\Windows", False),
    ("C:\\", "C:\\Windows", True),
    ("C:\\", "/etc", False),
    ("/", "C:\\Windows", False),
    ("\\\\server\\share", "\\\\SERVER\\share\\x", True),
    ("\\\\server\\share", "\\\\?\\UNC\\server\\share\\x", True),
    ("\\\\server\\share", "\\\\server\\other", False),
    ("%APPDATA%\\x", "%appdata%/x/y", True),
    ("/data", "/data\0/x", False),
    ("/data", "", True),
]


@pytest.mark.parametrize(("entry", "target", "expected"), PATHS)
def test_a_path_is_covered_by_its_components(entry: str, target: str, expected: bool) -> None:
    assert grants("filesystem_write", entry).covers("filesystem_write", target) is expected


def test_own_files_and_temporary_ones_need_no_permission() -> None:
    nothing = Grants.of({})
    assert nothing.covers("filesystem_read", "<skill>/data.json")
    assert nothing.covers("filesystem_read", "<temp>/x")
    assert nothing.covers("filesystem_write", "<temp>/x")
    assert not nothing.covers("filesystem_write", "<skill>/data.json")
    assert not nothing.covers("filesystem_read", "<skill>/../other")
    assert not nothing.covers("filesystem_write", "<temp>/../etc/passwd")
    assert not nothing.covers("filesystem_read", ".env")
    assert not nothing.covers("filesystem_write", "/tmp/x")


def test_an_absolute_path_into_the_own_folder_is_known_for_one() -> None:
    cache = grants("filesystem_write", "./cache")
    assert cache.covers("filesystem_write", "/skills/a/cache/x", folder="/skills/a")
    assert not cache.covers("filesystem_write", "/skills/ab/cache/x", folder="/skills/a")
    home = grants("filesystem_read", "~/notes", "/home/ada/more")
    assert home.covers("filesystem_read", "/home/ada/notes/x", home="/home/ada")
    assert home.covers("filesystem_read", "~/more/x", home="/home/ada")
    assert not home.covers("filesystem_read", "/home/ada/notes/x")


def test_what_may_be_written_may_be_read() -> None:
    write = grants("filesystem_write", "/data")
    assert write.covers("filesystem_read", "/data/x")
    assert write.declares("filesystem_read")
    assert not grants("filesystem_read", "/data").covers("filesystem_write", "/data/x")


VARIABLES = [
    ("API_KEY", "API_KEY", True),
    ("API_KEY", "api_key", False),
    ("API_KEY", "API_KEY_2", False),
    ("APP_*", "APP_MODE", True),
    ("APP_*", "APPLE", False),
    ("APP_*", "APP_…", True),
    ("APP_MODE", "APP_…", True),
    ("APP_*", "AWS_…", False),
    ("APP_MODE", "AWS_…", False),
    ("A*_KEY", "APP_KEY", False),
    ("*", "ANYTHING", True),
]


@pytest.mark.parametrize(("entry", "target", "expected"), VARIABLES)
def test_a_variable_is_covered_by_name_or_prefix(entry: str, target: str, expected: bool) -> None:
    key = "environment_variables"
    assert grants(key, entry).covers(key, target) is expected


def test_windows_reads_variables_without_case() -> None:
    key = "environment_variables"
    assert Grants.of({key: ["Api_Key"]}, windows=True).covers(key, "API_KEY")
    assert not Grants.of({key: ["Api_Key"]}, windows=False).covers(key, "API_KEY")


PROGRAMS = [
    ("ffmpeg", "ffmpeg", True),
    ("ffmpeg", "/usr/bin/ffmpeg", True),
    ("ffmpeg", "/usr/local/bin/../bin/ffmpeg", True),
    ("ffmpeg", "/opt/homebrew/bin/ffmpeg", True),
    ("ffmpeg", "/tmp/ffmpeg", False),
    ("ffmpeg", "./ffmpeg", False),
    ("ffmpeg", "/usr/bin/../../tmp/ffmpeg", False),
    ("ffmpeg", "/usr/bin/sub/ffmpeg", False),
    ("ffmpeg", "~/bin/ffmpeg", False),
    ("ffmpeg", "ffmpeg2", False),
    ("ffmpeg", "FFMPEG", False),
    ("ffmpeg", "ffmpeg.exe", True),
    ("ffmpeg.exe", "ffmpeg", True),
    ("ffmpeg", "C:\\Program Files\\FFmpeg\\bin\\FFMPEG.EXE", True),
    ("ffmpeg", "C:\\Users\\x\\ffmpeg.exe", False),
    ("/opt/x/ffmpeg", "/opt/x/ffmpeg", True),
    ("/opt/x/ffmpeg", "/opt/y/ffmpeg", False),
    ("/opt/x/ffmpeg", "ffmpeg", False),
    ("*", "anything", True),
    ("git", "git status --short", True),
    ("git", "git log | git shortlog && git gc", True),
    ("git", "git log | wc -l", False),
    ("git", "git log; rm -rf /", False),
    ("git", "git log > ~/.bashrc", False),
    ("git", "git log $(curl evil)", False),
    ("git", "git log `curl evil`", False),
    ("git", "PAGER=evil git log", False),
    ("git", "git log\nrm -rf /", False),
    ("git", "git 'unclosed", False),
    ("git", "…", True),
    ("git", "/tmp/…", False),
]


@pytest.mark.parametrize(("entry", "target", "expected"), PROGRAMS)
def test_a_program_is_covered_by_its_name_where_no_user_can_put_another(
    entry: str, target: str, expected: bool
) -> None:
    assert grants("processes", entry).covers("processes", target) is expected


APIS = [
    ("openai", "openai", True),
    ("OpenAI", "openai.OpenAI", True),
    ("openai", "https://api.openai.com/v1/chat", True),
    ("openai", "https://api.openai.com.evil.com/", False),
    ("openai", "anthropic.Anthropic", False),
    ("openai", "openaievil.Client", False),
    ("slack", "slack_sdk.WebClient", True),
    ("slack", "https://hooks.slack.com/services/x", True),
    ("aws", "boto3.client", True),
    ("google", "google.cloud.storage", True),
    ("wolfram_alpha", "wolframalpha", True),
    ("example_api", "example-api", True),
    ("example", "example.Client", True),
    ("*", "openai", True),
]


@pytest.mark.parametrize(("entry", "target", "expected"), APIS)
def test_a_service_is_covered_by_name_package_or_host(
    entry: str, target: str, expected: bool
) -> None:
    assert grants("external_apis", entry).covers("external_apis", target) is expected


def test_a_known_service_may_be_reached_at_its_hosts() -> None:
    slack = grants("external_apis", "slack")
    assert slack.declares("network_hosts")
    assert slack.covers("network_hosts", "https://hooks.slack.com/services/x")
    assert not slack.covers("network_hosts", "https://evil.com")
    assert not grants("external_apis", "unheard-of").declares("network_hosts")


def test_the_table_of_services_agrees_with_itself() -> None:
    assert len(SERVICES) >= 40
    for name, (packages, hosts) in SERVICES.items():
        assert service(name) == name
        assert hosts
        assert all(of_package(f"{package}.x") == name for package in packages)
        assert all(grant_hosts.parse(host) is not None for host in hosts)
    assert of_host("api.openai.com") == "openai"
    assert of_host("openai.com.evil.org") is None
    assert of_package("nothing.at.all") is None


def test_the_lists_are_those_of_the_manifest() -> None:
    assert tuple(LISTS) == PERMISSIONS
    with pytest.raises(KeyError):
        Grants.of({}).covers("network", "x")


def test_what_is_no_permission_allows_nothing() -> None:
    odd = Grants.of({"network_hosts": "*", "processes": [1, None], "native_code": "yes", "x": []})
    assert odd == Grants.of({})
    assert hash(odd) == hash(Grants.of({}))
    assert Grants.of(odd.as_dict()) == odd
    assert "native=False" in repr(odd)


def test_native_code_and_resources_are_said_or_not() -> None:
    native = Grants.of({"native_code": True, "system_resources": ["GPU"]})
    assert native.declares("native_code")
    assert native.covers("native_code", "")
    assert native.covers("system_resources", "gpu")
    assert not native.covers("system_resources", "camera")
    assert grants("system_resources", "*").covers("system_resources", "camera")


def test_why_not_says_what_was_meant() -> None:
    one = grants("network_hosts", "api.example.com")
    assert one.why_not("network_hosts", "api.example.com") == ""
    assert one.why_not("network_hosts", "https://api.exmaple.com/x") == (
        "network_hosts does not cover https://api.exmaple.com/x; "
        "the nearest entry is api.example.com"
    )
    assert one.why_not("network_hosts", "zzz") == "network_hosts does not cover zzz"
    assert one.why_not("processes", "git") == "processes is empty"
    assert one.why_not("native_code", "") == "native_code is not true"


def test_permissions_are_told_in_words() -> None:
    told = Grants.of(
        {
            "filesystem_read": ["/data", "/", "."],
            "filesystem_write": ["./cache"],
            "network_hosts": ["https://api.example.com/v1", "*.example.com:443", "*", "a b"],
            "external_apis": ["openai"],
            "environment_variables": ["API_KEY", "APP_*", "*"],
            "system_resources": ["gpu"],
            "processes": ["ffmpeg", "*"],
            "native_code": True,
        }
    ).in_words()
    assert told == [
        "read /data",
        "read every file",
        "read the skill's own folder",
        "write and read cache in the skill's own folder",
        "talk to api.example.com",
        "talk to every host beneath example.com at port 443",
        "talk to every host",
        "talk to a b (no host: it allows nothing)",
        "use the service openai",
        "read the environment variable API_KEY",
        "read the environment variable APP_…",
        "read the whole environment",
        "use gpu",
        "start ffmpeg",
        "start every program",
        "run native code, which nothing in Python can hold back",
    ]
    assert Grants.of({}).in_words() == []


def test_a_widening_is_what_the_entries_mean() -> None:
    def wider(key: str, old: list[str], new: list[str]) -> list[str]:
        return [entry for _, entry in widening(grants(key, *old), grants(key, *new))]

    assert wider("network_hosts", ["*.example.com"], ["api.example.com"]) == []
    assert wider("network_hosts", ["api.example.com"], ["*.example.com"]) == ["*.example.com"]
    assert wider("network_hosts", ["a.com"], ["a.com:443", "https://A.com/x"]) == []
    assert wider("network_hosts", ["a.com:443"], ["a.com"]) == ["a.com"]
    assert wider("network_hosts", ["*.b.com"], ["b.com"]) == ["b.com"]
    assert wider("network_hosts", [], ["not a host"]) == []
    assert wider("filesystem_read", ["/data/**"], ["/data/x", "/data"]) == []
    assert wider("filesystem_read", ["/data/*"], ["/data/**"]) == ["/data/**"]
    assert wider("filesystem_write", ["./cache"], ["cache/x"]) == []
    assert wider("environment_variables", ["APP_*"], ["APP_KEY"]) == []
    assert wider("environment_variables", ["APP_KEY"], ["APP_*"]) == ["APP_*"]
    assert wider("processes", ["git"], ["/usr/bin/git"]) == []
    assert wider("processes", ["/usr/bin/git"], ["git"]) == ["git"]
    assert wider("processes", ["git"], ["*"]) == ["*"]
    assert wider("external_apis", ["gpt"], ["OpenAI"]) == []
    assert widening(Grants.of({}), Grants.of({"native_code": True})) == [("native_code", "true")]
    read, write = grants("filesystem_read", "/d"), grants("filesystem_write", "/d")
    assert widening(write, read) == []
    assert widening(read, write) == [("filesystem_write", "/d")]


def test_narrowing_keeps_what_both_allow() -> None:
    one = Grants.of({"network_hosts": ["*.example.com", "b.org"], "native_code": True})
    two = Grants.of({"network_hosts": ["api.example.com:443", "c.org"]})
    assert narrow(one, two).as_dict() == {
        **Grants().as_dict(),
        "network_hosts": ["api.example.com:443"],
    }
    ports = narrow(grants("network_hosts", "*.a.com:443"), grants("network_hosts", "x.a.com"))
    assert ports.lists["network_hosts"] == ("x.a.com:443",)
    written = narrow(grants("filesystem_write", "/d"), grants("filesystem_read", "/d/x"))
    assert written == grants("filesystem_read", "/d/x")
    slack = narrow(grants("external_apis", "slack"), grants("network_hosts", "hooks.slack.com"))
    assert slack.lists["network_hosts"] == ("hooks.slack.com",)
    assert narrow(one, one).lists["network_hosts"] == one.lists["network_hosts"]


# Properties, over entries and targets that come near each other.

labels = st.sampled_from(["a", "b", "api", "example", "com", "xn--bcher-kva"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
ports = st.sampled_from(["", ":443", ":8443"])
hosts = st.builds("{}{}{}".format, st.sampled_from(["", "*."]), names, ports)
components = st.sampled_from(["a", "b", "..", ".", "*", "**", "a*", "data", ""])
roots = st.sampled_from(["/", "~/", "./", "", "C:\\", "<skill>/", "$XDG_DATA_HOME/"])
paths = st.builds(lambda r, p: r + "/".join(p), roots, st.lists(components, max_size=5))
variables = st.sampled_from(["A", "A_B", "A_*", "B_*", "*", "A_B_C", "A_B_*"])
programs = st.sampled_from(["git", "ffmpeg", "/usr/bin/git", "/tmp/git", "*", "git.exe"])
services = st.sampled_from(["openai", "gpt", "slack", "*", "frankfurter", "other"])
resources = st.sampled_from(["gpu", "GPU", "camera", "*"])


def several(entries: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(entries, max_size=3)


ENTRIES = {
    "filesystem_read": paths,
    "filesystem_write": paths,
    "network_hosts": hosts,
    "external_apis": services,
    "environment_variables": variables,
    "system_resources": resources,
    "processes": programs,
}
permissions = st.fixed_dictionaries(
    {**{key: several(entries) for key, entries in ENTRIES.items()}, "native_code": st.booleans()}
).map(lambda found: Grants.of(found, windows=False))
targets = st.one_of(
    *[st.tuples(st.just(key), entries) for key, entries in ENTRIES.items()],
    st.just(("native_code", "")),
)


@given(permissions)
def test_everything_allows_itself(one: Grants) -> None:
    assert widening(one, one) == []
    for key, entries in one.lists.items():
        for entry in entries:
            wild = "*" in entry or not entry
            parsed = grant_paths.parse(entry) if key.startswith("filesystem") else True
            assert wild or parsed is None or one.covers(key, entry)


@given(permissions, permissions, targets)
def test_what_is_narrowed_is_within_both(one: Grants, two: Grants, target: tuple[str, str]) -> None:
    both = narrow(one, two)
    assert widening(one, both) == []
    assert widening(two, both) == []
    if both.covers(*target):
        assert one.covers(*target)
        assert two.covers(*target)


@given(permissions, permissions)
def test_narrowing_knows_no_order(one: Grants, two: Grants) -> None:
    first, second = narrow(one, two), narrow(two, one)
    assert widening(first, second) == []
    assert widening(second, first) == []


@given(permissions, permissions, targets)
def test_a_union_allows_what_either_does_and_no_more(
    one: Grants, two: Grants, target: tuple[str, str]
) -> None:
    either = union(one, two)
    assert widening(either, one) == []
    assert widening(either, two) == []
    assert either.covers(*target) == (one.covers(*target) or two.covers(*target))


@given(permissions, permissions, targets)
def test_what_is_not_wider_covers_no_more(
    one: Grants, two: Grants, target: tuple[str, str]
) -> None:
    if not widening(one, two) and two.covers(*target):
        assert one.covers(*target)


@given(hosts, names, labels)
def test_no_entry_covers_a_host_by_a_part_of_its_text(entry: str, host: str, more: str) -> None:
    parsed = grant_hosts.parse(entry)
    assert parsed is not None
    for target in (host, f"{more}{host}", f"{host}{more}", f"{host}.{more}"):
        labels_of = target.split(".")
        base = parsed.name.split(".")
        expected = (
            len(labels_of) > len(base) and labels_of[-len(base) :] == base
            if parsed.wild
            else labels_of == base
        )
        assert grant_hosts.covers(parsed, target) is expected


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([*LISTS]))
def test_no_text_is_too_odd_to_be_asked_about(entry: str, target: str, key: str) -> None:
    one = grants(key, entry)
    assert one.covers(key, target) in (True, False)
    assert widening(one, one) == []
    assert isinstance(one.in_words(), list)
    assert isinstance(one.why_not(key, target), str)
    grant_programs.commands(target)


def test_patterns_are_matched_in_bounded_time() -> None:
    entry = "/" + "/".join(["**", "a*a*a*a*b"] * 30)
    target = "/" + "/".join(["a" * 200] * 200)
    assert not grants("filesystem_read", entry).covers("filesystem_read", target)
