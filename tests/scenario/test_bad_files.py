"""Every file in bad/ is refused with exit code 2, at the line and column that its first line declares."""

import io
import re
from pathlib import Path

import pytest

from battlectl.commands.validate import validate

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yml"))
EXPECTATION = re.compile(r"(?:(?P<file>[\w./-]+):)?(?P<line>\d+):(?P<column>\d+) (?P<text>.+)")
WAYS_OUT = re.compile(
    r"try |did you mean|known are|add |remove|quote|check |use |leave |write|save|rename|choose|keep |shorten"
    r"|close|raise|lower|must be|export|flatten|put it|put long|give |begin|mend|start|align|relative to"
    r"|needs a|are a list|stands alone|whole numbers|more than 100%|never below|one JSON value"
    r"|there is no feed|is empty or"
)


def expectations(path: Path) -> list[re.Match[str]]:
    """What the first line of a bad file says: `# expect: LINE:COLUMN MESSAGE | FEED:LINE:COLUMN MESSAGE`."""
    first = path.read_bytes().split(b"\n")[0].decode("utf-8-sig")
    found = [EXPECTATION.fullmatch(part) for part in first.removeprefix("# expect: ").split(" | ")]
    assert found, f"{path} declares nothing"
    assert all(found), f"{path} declares nothing readable"
    return [match for match in found if match]


def refusal(path: Path) -> list[str]:
    out, err = io.StringIO(), io.StringIO()
    assert validate([path], [], [], None, out, err) == 2
    assert out.getvalue() == ""
    return err.getvalue().splitlines()


def test_there_are_enough_bad_files():
    assert len(FILES) >= 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_where_and_as_declared(path, monkeypatch):
    monkeypatch.delenv("BATTLECTL_TEST_UNSET", raising=False)
    lines = refusal(path)
    wanted = expectations(path)
    assert len(lines) == len(wanted), "\n".join(lines)
    for match in wanted:
        file = BAD / match["file"] if match["file"] else path
        start = f"{file}:{match['line']}:{match['column']}: "
        assert any(line.startswith(start) and match["text"] in line for line in lines), "\n".join(lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_is_one_line_with_a_way_out(path):
    for line in refusal(path):
        assert re.match(r"[^\n]+?:\d+:\d+: ", line), line
        assert WAYS_OUT.search(line), line
        assert "Traceback" not in line
        assert len(line) < 700
