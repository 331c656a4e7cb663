"""What the README says of settings and commands is true."""

from __future__ import annotations

import re
from pathlib import Path

import click

from receiver.cli import main
from reconcile.settings import TABLE

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_that_of_the_program() -> None:
    rows = {
        cells[0].strip("`"): cells[1:]
        for line in README.splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")]) and re.fullmatch(r"`[A-Z_]+`", cells[0])
    }

    assert rows == {
        each.name: [f"`{each.default}`" if each.default is not None else "–", each.bounds, each.sentence]
        for each in TABLE
    }


def test_every_command_that_is_named_exists_with_its_options() -> None:
    told = re.findall(r"^(?:[A-Z_]+=\S+ )*playledger ([^#\n]+)", README, flags=re.MULTILINE)

    assert told
    for words in (line.split() for line in told):
        command: click.Command = main
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
