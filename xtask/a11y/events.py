#!/usr/bin/python3
"""Prints what happens on the accessibility bus, one JSON value in a line, until it is ended.

The first line is "ready": nothing that happens afterwards is missed.
"""

import json

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402


def heard(event):
    try:
        role, name = event.source.get_role_name(), event.source.get_name()
    except GLib.Error:
        role, name = "gone", ""
    said = event.any_data if isinstance(event.any_data, str) else ""
    fields = {"kind": event.type, "role": role, "name": name, "detail": event.detail1, "said": said}
    print(json.dumps(fields), flush=True)


Atspi.init()
listener = Atspi.EventListener.new(heard)
for kind in ("object:announcement", "object:state-changed", "object:text-caret-moved", "object:text-selection-changed", "window:"):
    listener.register(kind)
print('"ready"', flush=True)
Atspi.event_main()
