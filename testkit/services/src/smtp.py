"""A real mail server for tests: takes every mail into a folder, or does what the file `orders` says.

Arguments: PORT BANNER [--tls start|now CERTIFICATE KEY] [--login USER PASSWORD]
`orders` holds lines of `word value`, read anew for each mail:
  refuse CODE   every recipient is refused with this number
  delay SECONDS every recipient is answered so late
"""

import asyncio
import email
import email.policy
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def orders():
    try:
        with open("orders", encoding="utf-8") as file:
            return dict(line.split(maxsplit=1) for line in file if line.strip())
    except FileNotFoundError:
        return {}


class Folder:
    def __init__(self):
        os.makedirs("mails", exist_ok=True)
        self.count = len(os.listdir("mails"))

    async def handle_RCPT(self, server, session, envelope, address, options):
        given = orders()
        if "delay" in given:
            await asyncio.sleep(float(given["delay"]))
        if "refuse" in given:
            # As real servers do, with the address in it.
            return f"{given['refuse'].strip()} <{address}> is not taken here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        head = "".join(f"{name}: {value}\n" for name, value in message.items())
        over_tls = session.ssl or server.transport.get_extra_info("sslcontext")
        secured = "yes" if over_tls else "no"
        user = session.auth_data or b""
        text = message.get_content().replace("\r\n", "\n")
        name = f"{self.count:06}"
        with open(f"new-{name}", "w", encoding="utf-8") as file:
            file.write(f"Envelope-To: {', '.join(envelope.rcpt_tos)}\n")
            file.write(f"Secured: {secured}\nLogin: {user.decode()}\n{head}\n{text}")
        os.rename(f"new-{name}", f"mails/{name}")
        return "250 taken"


def main():
    port, banner, *rest = sys.argv[1:]
    arguments, context, now = {}, None, False
    if "--tls" in rest:
        at = rest.index("--tls")
        now = rest[at + 1] == "now"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(rest[at + 2], rest[at + 3])
        if not now:
            arguments.update(tls_context=context, require_starttls=True)
    if "--login" in rest:
        at = rest.index("--login")
        right = (rest[at + 1].encode(), rest[at + 2].encode())

        def authenticate(server, session, envelope, mechanism, data):
            if (data.login, data.password) != right:
                return AuthResult(success=False, handled=False)
            return AuthResult(success=True, auth_data=data.login)

        arguments.update(authenticator=authenticate, auth_required=True, auth_require_tls=False)
    folder = Folder()

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(folder, ident=banner, loop=loop, **arguments),
            host="127.0.0.1",
            port=int(port),
            ssl=context if now else None,
        )
        await server.serve_forever()

    asyncio.run(serve())


main()
