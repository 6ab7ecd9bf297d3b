"""A merger that is undone puts the lead back to where it was, whatever the state: fill the table of moves again."""

from __future__ import annotations

import importlib
from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

MOVES = "8aca9bb928c5e9ad"

fill_moves = importlib.import_module("leadpact.custody.migrations.0002_guards").fill_moves


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("custody", "0003_handoff_view")]

    operations: ClassVar[list[Operation]] = [migrations.RunPython(fill_moves, migrations.RunPython.noop)]
