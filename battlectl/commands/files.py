"""Reading scenario and config files from disk: the one place where their packages meet the file system.

Rule: whatever is wrong with a path is a tidy line and exit code 2, like a mistake inside the file. Paths are
asked through os.path, which answers False where pathlib raises (loops, names too long).
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from battlectl.errors import BadFile, Problem, UserError
from battlectl.scenario.parse import ParsedScenario, parse_scenario
from battlectl.scenario.parse_target import ParsedTarget, parse_target
from battlectl.scenario.places import raise_problems
from battlectl.scenario.yamltext import decode

LARGEST_FILE = 2**20
LARGEST_FEED = 32 * 2**20
SUFFIXES = (".yml", ".yaml")
NIGHTLY = "nightly"
"""A tag, and the folder of scenarios that nobody runs by accident."""
OF_A_TARGET = re.compile(rb"^(?:kind|url):", re.MULTILINE)
BUILTIN = Path(__file__).resolve().parent.parent / "builtin"


def load_scenario(path: Path, sets: Sequence[str] = ()) -> ParsedScenario:
    """The scenario of a file; raises `UserError` (a `BadFile` with every problem, or one line)."""
    text = decode(read_file(path, LARGEST_FILE, "the scenario"), str(path))
    return parse_scenario(text, str(path), os.environ, sets, lambda name: _read_feed(path.parent / name))


def load_target(name: str, scenario_path: Path | None = None) -> ParsedTarget:
    """The target that a name, a path or the URL of a host on this machine or network stands for; raises
    `UserError`. A public host needs a config file that allows it.
    """
    if name.startswith(("http://", "https://")):
        return parse_target(f"version: 1\nkind: generic\nurl: {json.dumps(name)}\n", "--target", os.environ)
    path = find_target(name, scenario_path)
    text = decode(read_file(path, LARGEST_FILE, "the target"), str(path))
    return parse_target(text, str(path), os.environ)


def find_target(name: str, scenario_path: Path | None = None) -> Path:
    """The config file of a target: a path is taken as it is, a name is looked for as config/NAME.yml.

    Looked at: the working directory, the folders above the scenario, then what battlectl brings (`lab`).
    """
    if not name.strip():
        raise UserError("the target is empty: is a variable unset?")
    if "/" in name or name.endswith(SUFFIXES):
        places = [Path(name), *([scenario_path.parent / name] if scenario_path else [])]
    else:
        places = [folder / f"{name}.yml" for folder in _config_folders(scenario_path)]
    found = next((place for place in places if os.path.exists(place)), None)
    if found is None:
        raise UserError(_word_missing_target(name, places))
    return found


def _config_folders(scenario_path: Path | None) -> list[Path]:
    above = Path(os.path.realpath(scenario_path)).parents if scenario_path else ()
    folders = [Path("config"), *(parent / "config" for parent in above)]
    unique = {folder.resolve(): folder for folder in reversed(folders)}
    return [*(f for f in folders if unique.get(f.resolve()) is f), BUILTIN]


def _word_missing_target(name: str, places: Sequence[Path]) -> str:
    looked = "\n".join(f"  {place}" for place in dict.fromkeys(places) if place.parent != BUILTIN)
    folders = [*dict.fromkeys(place.parent for place in places), BUILTIN]
    there = sorted({str(found.stem) for folder in folders for found in _configs(folder)})
    hint = (
        f"\na URL begins with http:// or https://, try http://{name.rpartition('//')[2]}"
        if ":" in name
        else ""
    )
    near = get_close_matches(name, there, 1)
    meant = f'; did you mean "{near[0]}"?' if near else ""
    return f'there is no target "{name}"; looked for\n{looked}\nthere are: {", ".join(there)}{meant}{hint}'


def _configs(folder: Path) -> Iterator[Path]:
    """The files of a folder that look like targets, to name them; what cannot be read is not named."""
    for path in folder.glob("*.yml"):
        try:
            if OF_A_TARGET.search(_read_bounded(path, LARGEST_FILE)):
                yield path
        except (OSError, ValueError):
            continue


def find_scenarios(paths: Sequence[Path], tags: Sequence[str] = (), sets: Sequence[str] = ()) -> list[Path]:
    """The scenario files of files and folders, sorted within each folder, each once.

    What lies in a folder `nightly` below a given one belongs to it only where that tag is asked for.
    With `tags`, those that carry at least one of them; every file is read for that, and one that cannot be
    is an error rather than silently left out. Raises `UserError` when nothing is left.
    """
    is_nightly = NIGHTLY in tags
    expanded = (path for given in paths for path in _expand(given, is_nightly))
    found = list({os.path.realpath(path): path for path in expanded}.values())
    if not found:
        where = ", ".join(str(path) for path in paths) or "nothing"
        raise UserError(f"no scenario files (*.yml) in {where}")
    chosen = _with_tags(found, tags, sets) if tags else found
    if not chosen:
        raise UserError(f"none of {len(found)} scenarios has the tag {' or '.join(tags)}")
    return chosen


def _expand(path: Path, is_nightly: bool) -> list[Path]:
    if not os.path.isdir(path):
        return [path]
    files = sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES and found.is_file())
    return [file for file in files if is_nightly or NIGHTLY not in file.relative_to(path).parts[:-1]]


def _with_tags(paths: Sequence[Path], tags: Sequence[str], sets: Sequence[str]) -> list[Path]:
    chosen: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            if set(load_scenario(path, sets).scenario.tags) & set(tags):
                chosen.append(path)
        except BadFile as error:
            problems.extend(error.problems)
    raise_problems(problems)
    return chosen


def read_file(path: Path, largest: int, what: str) -> bytes:
    """The bytes of a regular file; raises `UserError` saying why it cannot be read."""
    try:
        return _read_bounded(path, largest)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UserError(f"{path}: {what} cannot be read ({reason})") from None


def _read_feed(path: Path) -> str:
    return _read_bounded(path, LARGEST_FEED).decode("utf-8")


def _read_bounded(path: Path, largest: int) -> bytes:
    # Opened without blocking, so that a named pipe is refused instead of waited for.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("it is not a regular file")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest // 2**20} MiB")
    return data
