#!/usr/bin/python3
"""A desktop with a tray. Prints "ready", "registered" when a program has taken a place in it, and "used" when it
has used that place like a click, three seconds later."""

from gi.repository import Gio, GLib

WATCHER = """
<node><interface name="org.kde.StatusNotifierWatcher">
  <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
  <method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
  <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
  <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
  <property name="ProtocolVersion" type="i" access="read"/>
</interface></node>
"""
VALUES = {
    "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
    "RegisteredStatusNotifierItems": GLib.Variant("as", []),
    "ProtocolVersion": GLib.Variant("i", 0),
}

bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def called(_bus, _sender, _path, _interface, method, arguments, invocation):
    invocation.return_value(None)
    if method == "RegisterStatusNotifierItem":
        print("registered", flush=True)
        GLib.timeout_add_seconds(3, use, arguments.unpack()[0])


def use(item):
    call = (item, "/StatusNotifierItem", "org.kde.StatusNotifierItem", "Activate")
    bus.call_sync(*call, GLib.Variant("(ii)", (0, 0)), None, 0, 5000, None)
    print("used", flush=True)
    return False


bus.register_object(
    "/StatusNotifierWatcher",
    Gio.DBusNodeInfo.new_for_xml(WATCHER).interfaces[0],
    called,
    lambda _bus, _sender, _path, _interface, name: VALUES[name],
    None,
)
Gio.bus_own_name_on_connection(bus, "org.kde.StatusNotifierWatcher", 0, lambda *_: print("ready", flush=True), None)
GLib.MainLoop().run()
