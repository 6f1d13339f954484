"""Counts the messages of each user into an SQLite file, each message once. See docs/projections.md.
usage: HANSARD_TOKEN=<token> python3 subscription.py <address of the server> <user id> <file>"""
import http.client, json, os, sqlite3, sys, time, urllib.error, urllib.request
server, user, file = sys.argv[1:]
door = f"{server}/audit/subscriptions/count-messages"
headers = {"X-User-Id": user, "X-Auth-Token": os.environ["HANSARD_TOKEN"], "Content-Type": "application/json"}
anew = {"error-no-such-subscription", "error-other-history", "error-invalid-position"}
counts = sqlite3.connect(file)
counts.execute("CREATE TABLE IF NOT EXISTS messages (user TEXT PRIMARY KEY, number INTEGER NOT NULL)")
counts.execute("CREATE TABLE IF NOT EXISTS place (position INTEGER NOT NULL, receipt TEXT NOT NULL)")

def ask(method, parameters="", body=None):
    try:
        request = urllib.request.Request(door + parameters, body, headers, method=method)
        return json.load(urllib.request.urlopen(request, timeout=90))
    except urllib.error.HTTPError as error:
        if error.code == 400 and (refusal := json.load(error))["errorType"] in anew:
            return refusal
        raise

def go_on():
    place = counts.execute("SELECT position, receipt FROM place").fetchone()
    if place is None:  # Nothing is counted, so everything is to be told.
        ask("DELETE")
        ask("PUT", body=b'{"type": "MessagePosted"}')
    answer = ask("GET", "?wait=30&limit=100" + ("&acknowledge=%d&receipt=%s" % place if place else ""))
    with counts:  # One transaction: the counts and the place, or neither.
        counts.execute("DELETE FROM place")
        if "errorType" in answer:  # What is counted is of another history than the server's: begin anew.
            return counts.execute("DELETE FROM messages")
        count = "INSERT INTO messages VALUES (?, 1) ON CONFLICT (user) DO UPDATE SET number = number + 1"
        counts.executemany(count, [[event["data"]["author"]] for event in answer["events"]])
        counts.execute("INSERT INTO place VALUES (?, ?)", [answer["position"], answer["receipt"]])

while True:
    try:
        go_on()
    except (OSError, http.client.HTTPException) as error:
        print(f"trying again: {error}", file=sys.stderr)
        time.sleep(1)
