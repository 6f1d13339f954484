"""A mail server that keeps what it is sent.

usage: smtp_sink.py MAILDIR PORT [--tls CERTIFICATE KEY] [--login USER PASSWORD]

Every mail becomes a file in MAILDIR/new, with its recipients in the header X-RcptTo. Recipients that begin with
`reject` are refused for good. Those that begin with `defer` are told to come again until a file `open` stands in
MAILDIR. Ends when its standard input does.
"""

import argparse
import os
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword


class Sink(Mailbox):
    def __init__(self, folder):
        super().__init__(folder)
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("reject"):
            return "550 5.1.1 nobody here has this address"
        if address.startswith("defer") and not os.path.exists(os.path.join(self.folder, "open")):
            return "451 4.3.0 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--login", nargs=2)
    options = parser.parse_args()

    settings = {"enable_SMTPUTF8": True}
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        settings["tls_context"] = context
        settings["require_starttls"] = True
    if options.login:
        wanted = LoginPassword(*(part.encode() for part in options.login))

        def authenticate(server, session, envelope, mechanism, data):
            return AuthResult(success=data == wanted, handled=False)

        settings["authenticator"] = authenticate
        settings["auth_required"] = True
        settings["auth_require_tls"] = bool(options.tls)

    controller = Controller(Sink(options.folder), hostname="127.0.0.1", port=options.port, **settings)
    controller.start()
    print("listening", flush=True)
    sys.stdin.read()
    controller.stop()


main()
