"""`noop`: a toxic that does nothing, to show how one is written.

A toxic's file has its attributes, its pipe and its KIND. To add one: copy this file, and add one line to
table.py.
"""

from __future__ import annotations

from battlectl.lab.toxics.stage import pass_on
from battlectl.lab.toxics.toxic import Attributes, ToxicKind

KIND = ToxicKind("noop", "nothing at all", Attributes, pass_on)
