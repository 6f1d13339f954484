#!/usr/bin/env python3
"""Counts the messages of each user into an SQLite file, each message exactly once, and goes on for ever.

usage: HANSARD_TOKEN=<token> subscription.py <address of the server> <user id> <file>

Events may be handed out more than once. What makes it exactly once is that the position is stored in the transaction
that stores the counts: whatever was told twice was counted or not, and the position says which.
"""

import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

server, user, file = sys.argv[1:]
door = f"{server}/audit/subscriptions/count-messages"
headers = {"X-User-Id": user, "X-Auth-Token": os.environ["HANSARD_TOKEN"], "Content-Type": "application/json"}


def ask(method, address, body=None):
    """The answer to a request, however long the server is away."""
    while True:
        try:
            request = urllib.request.Request(address, body and json.dumps(body).encode(), headers, method=method)
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429:
                sys.exit(f"refused: {error.read().decode()}")
        time.sleep(1)


counts = sqlite3.connect(file)
counts.execute("CREATE TABLE IF NOT EXISTS messages (user TEXT PRIMARY KEY, number INTEGER NOT NULL)")
counts.execute("CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL)")
ask("PUT", door, {"type": "MessagePosted"})
while True:
    place = counts.execute("SELECT position FROM place").fetchone()
    wanted = {"wait": 30, "limit": 100} | ({"acknowledge": place[0]} if place else {})
    answer = ask("GET", f"{door}?{urllib.parse.urlencode(wanted)}")
    with counts:  # One transaction: the counts and the position, or neither.
        for event in answer["events"]:
            counts.execute(
                "INSERT INTO messages VALUES (?, 1) ON CONFLICT (user) DO UPDATE SET number = number + 1",
                [event["data"]["author"]],
            )
        counts.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", [answer["position"]])
