#!/usr/bin/python3
"""A place with newer versions: gives out the files of a folder over HTTPS, to this computer only. Prints "ready" and
its port. Arguments: the folder, the certificate with its key."""

import functools
import http.server
import ssl
import sys

folder, certificate = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", server.server_address[1], flush=True)
server.serve_forever()
