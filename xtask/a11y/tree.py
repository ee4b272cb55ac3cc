#!/usr/bin/python3
"""Prints what a screen reader can see of one program, as one JSON value: its windows and all in them.

usage: tree.py PROCESS_ID
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

# Nearly everything has these; their absence is what tells.
USUAL = {"enabled", "sensitive", "visible", "showing"}


def asked(question, otherwise):
    """The answer, or `otherwise` for an object that has just gone."""
    try:
        answer = question()
    except gi.repository.GLib.Error:
        return otherwise
    return otherwise if answer is None else answer


def states(accessible):
    there = {state.value_nick for state in asked(lambda: accessible.get_state_set().get_states(), [])}
    lacking = {f"not-{state}" for state in USUAL - there}
    return sorted((there - USUAL) | lacking)


def text(accessible):
    if asked(accessible.get_text_iface, None) is None:
        return None
    length = asked(lambda: Atspi.Text.get_character_count(accessible), 0)
    return {
        "content": asked(lambda: Atspi.Text.get_text(accessible, 0, length), ""),
        "caret": asked(lambda: Atspi.Text.get_caret_offset(accessible), -1),
        "selections": asked(lambda: Atspi.Text.get_n_selections(accessible), 0),
    }


def seen(accessible):
    children = (
        asked(lambda index=index: accessible.get_child_at_index(index), None)
        for index in range(asked(accessible.get_child_count, 0))
    )
    return {
        "role": asked(accessible.get_role_name, "gone"),
        "name": asked(accessible.get_name, ""),
        "description": asked(accessible.get_description, ""),
        "states": states(accessible),
        "text": text(accessible),
        "children": [seen(child) for child in children if child is not None],
    }


def main():
    wanted = int(sys.argv[1])
    Atspi.init()
    desktop = Atspi.get_desktop(0)
    for index in range(asked(desktop.get_child_count, 0)):
        program = asked(lambda index=index: desktop.get_child_at_index(index), None)
        if program is not None and asked(program.get_process_id, 0) == wanted:
            json.dump(seen(program), sys.stdout)
            return
    json.dump(None, sys.stdout)


main()
