"""A file server that speaks WebDAV.

usage: webdav_server.py FOLDER PORT USER PASSWORD

Serves FOLDER under /dav/ to whoever knows the login. Ends when its standard input does.
"""

import sys
import threading

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp


def main():
    folder, port, user, password = sys.argv[1:5]
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/dav": folder},
            "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "lock_storage": True,
            "property_manager": True,
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = wsgi.Server(("127.0.0.1", int(port)), app)
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    print("listening", flush=True)
    sys.stdin.read()
    server.stop()


main()
