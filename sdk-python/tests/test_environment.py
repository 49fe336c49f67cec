"""What an engine node asks of its Python: what is satisfied there, and what pyudf needs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import pyudf
from pyudf._environment import _sdk
from pyudf._environment._commands import Answer, Question, check, main

INSTALLED = metadata.version("msgspec")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for distributions that a test makes, seen as installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def distribution(site: Path, name: str, version: str, *lines: str, direct: str = "") -> None:
    """Make a distribution that is installed."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(head + "".join(f"{line}\n" for line in lines))
    if direct:
        (info / "direct_url.json").write_text(direct)


def missing(*requirements: str) -> list[str]:
    """What this environment lacks."""
    answer = check(Question(list(requirements)))
    assert not answer.faults
    return answer.missing


def test_what_is_installed_satisfies_requirements() -> None:
    assert missing(f"msgspec=={INSTALLED}", "Msgspec>=0.1", "msgspec", "MSGSPEC!=0.0.1") == []


def test_what_is_missing_is_named_with_the_reason() -> None:
    assert missing("msgspec==0.0.1", "No_Such.Thing>=1") == [
        f"msgspec==0.0.1 is asked for and {INSTALLED} installed",
        "no-such-thing>=1 is not installed",
    ]


def test_a_requirement_with_a_marker_holds_where_the_marker_does() -> None:
    never = 'nowhere ; python_version < "3"'
    here = 'nowhere ; python_version >= "3"'
    assert missing(never) == []
    assert missing(here) == [f"{here} is not installed"]


def test_what_an_extra_brings_is_needed_if_the_extra_is(installed: Path) -> None:
    distribution(
        installed, "tiny", "1.0", "Provides-Extra: Big_One", "Requires-Dist: huge; extra=='big-one'"
    )
    assert missing("tiny") == []
    assert [line.partition(" ")[0] for line in missing("tiny[big.one]")] == ["huge"]


def test_what_a_requirement_needs_itself_is_needed(installed: Path) -> None:
    distribution(installed, "tiny", "1.0", "Requires-Dist: inner>=2", "Requires-Dist: pyudf>99")
    distribution(installed, "inner", "1.0", "Requires-Dist: tiny")
    assert missing("tiny") == ["inner>=2 is asked for and 1.0 installed"]


def test_an_early_release_that_is_installed_counts(installed: Path) -> None:
    distribution(installed, "tiny", "2.0rc1")
    assert missing("tiny>=1") == []


def test_an_address_is_satisfied_by_what_was_installed_from_it(installed: Path) -> None:
    git = {"url": "https://host/x", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    distribution(installed, "fromgit", "1.0", direct=json.dumps(git))
    archive = {"url": "https://host/y-1.0.tar.gz", "archive_info": {}}
    distribution(installed, "fromurl", "1.0", direct=json.dumps(archive))
    assert (
        missing("fromgit @ git+https://host/x@abc", "fromurl @ https://host/y-1.0.tar.gz#sha256=0")
        == []
    )
    assert len(
        missing(
            "fromgit @ git+https://host/x@abd",
            "fromurl @ https://host/y-1.1.tar.gz",
            "msgspec @ https://host/msgspec.whl",
        )
    ) == len(["fromgit", "fromurl", "msgspec"])


def test_the_same_set_is_written_in_one_way() -> None:
    one = check(Question(["B_b[y,X]<2,>=1", "a.A ; python_version>'3'", "pyudf==0.0.1"]))
    two = check(Question(["A-a;python_version > '3'", "b-b[x, y] >=1, <2", "b.b[x,y]>=1,<2"]))
    assert one.requirements == two.requirements
    assert one.requirements == ['a-a ; python_version > "3"', "b-b[x,y]<2,>=1"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("-r /etc/passwd", "cannot be read"),
        ("--index-url=https://me:geheim@host/", "cannot be read"),
        ("tiny @ file:///tmp/tiny.whl", "is a file of another machine"),
        ("tiny @ git+file:///tmp/tiny", "is a file of another machine"),
        ("tiny @ https://me:geheim@host/tiny.whl", "has a user or a password"),
    ],
)
def test_what_is_no_requirement_of_a_bundle_is_a_fault(line: str, fault: str) -> None:
    answer = check(Question([line]))
    assert answer.requirements == []
    assert fault in answer.faults[0]
    assert "geheim" not in answer.faults[0]


def test_an_environment_says_what_it_is(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = io.BytesIO(msgspec.json.encode(Question(["msgspec"])))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=question))
    assert main(["check"]) == 0
    answer = msgspec.json.decode(capsysbinary.readouterr().out, type=Answer)
    assert answer.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert answer.pyudf == pyudf.__version__
    assert answer.package == str(Path(pyudf.__file__).parent)
    assert answer.dependencies is not None
    assert {d.partition("<")[0] for d in answer.dependencies} >= {"grpcio", "msgspec", "protobuf"}
    assert not any("extra" in d for d in answer.dependencies)


def test_a_pyudf_that_was_never_installed_says_nothing_of_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(pyudf.__file__).parents[1])])
    assert _sdk.dependencies() is None


def test_wheels_of_what_pyudf_needs_are_as_they_were_installed(tmp_path: Path) -> None:
    assert main(["wheels", str(tmp_path)]) == 0
    [wheel] = tmp_path.glob(f"msgspec-{INSTALLED}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = archive.read(f"msgspec-{INSTALLED}.dist-info/RECORD").decode()
    assert "msgspec/__init__.py" in names
    assert not [n for n in names if "__pycache__" in n or n.endswith("INSTALLER")]
    assert len(record.splitlines()) == len(names) - 1
    assert list(tmp_path.glob("protobuf-*.whl"))
    assert list(tmp_path.glob("grpcio-*.whl"))


def test_what_cannot_be_linked_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["link", "/no/python"]) == 1
    assert "/no/python" in capsys.readouterr().err


def test_the_module_is_a_command() -> None:
    command = [sys.executable, "-P", "-m", "pyudf._environment", "check"]
    done = subprocess.run(command, input=b'{"requirements":[]}', capture_output=True, check=True)
    assert msgspec.json.decode(done.stdout, type=Answer).missing == []
