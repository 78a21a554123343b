"""`battlectl --help` answers at once: nothing heavy is imported before a verb needs it."""

import json
import re
import subprocess
import sys
from typing import get_args

import pytest

from battlectl.lab.gateway.settings import Revision, Strategy
from tests.cli.command import environment

pytestmark = pytest.mark.real
HEAVY = ("trio", "httpx", "pydantic", "yaml", "rich", "tdigest", "msgspec", "httptools", "psutil", "tabulate")
TIMED = """
import json, resource, sys
from battlectl.cli import main
sys.argv = ["battlectl", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps([end.code, seconds, sorted(m for m in sys.modules if "." not in m)]), file=sys.stderr)
"""
VERBS = ("run", "validate", "plan", "report", "schema", "init", "lab", "faults", "heal", "chaos")
LAB_VERBS = ("up", "relay", "status")
CHAOS_VERBS = ("inject", "kill", "status", "clear")
GROUPS = {"lab": LAB_VERBS, "chaos": CHAOS_VERBS}


def timed(*words):
    """(exit code, processor seconds, imported modules, what was printed)."""
    ran = subprocess.run(
        [sys.executable, "-c", TIMED, *words], capture_output=True, text=True, env=environment(), timeout=60
    )
    return (*json.loads(ran.stderr.splitlines()[-1]), ran.stdout)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"]])
def test_help_imports_nothing_heavy(words):
    code, seconds, modules, out = timed(*words)
    print(f"battlectl {' '.join(words)}: {seconds:.3f} s of processor time")
    assert code == 0
    assert out.strip()
    assert [name for name in HEAVY if name in modules] == []


@pytest.mark.parametrize(
    "words",
    [*((verb,) for verb in VERBS), *((group, verb) for group, verbs in GROUPS.items() for verb in verbs)],
)
def test_help_of_a_verb_imports_nothing_but_what_typer_reads_its_options_with(words):
    code, _, modules, out = timed(*words, "--help")
    assert code == 0
    assert f"battlectl {' '.join(words)}" in out
    assert [name for name in HEAVY if name in modules and name != "pydantic"] == []


@pytest.mark.parametrize(("group", "verbs"), GROUPS.items())
def test_help_of_a_group_names_its_verbs(group, verbs):
    code, _, _, out = timed(group, "--help")
    assert code == 0
    assert [verb for verb in verbs if f"\n  {verb} " not in out] == []


@pytest.mark.parametrize("verb", ["up", "relay"])
def test_help_of_the_lab_names_every_strategy_and_revision(verb):
    _, _, _, out = timed("lab", verb, "--help")
    unwrapped = re.sub(r"-\n\s+", "-", out)
    words = set(re.findall(r"[a-z0-9][a-z0-9-]*", unwrapped))
    assert {*get_args(Strategy), *get_args(Revision)} <= words


def test_help_names_every_verb_and_the_exit_codes():
    _, _, _, out = timed("--help")
    for verb in VERBS:
        assert verb in out
    assert "99 objectives failed" in " ".join(out.split())
