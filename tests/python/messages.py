"""Messages through the public client package rocketchat_API, which knows nothing of this server: every call of its
section about chat.

Usage: messages.py URL ADMIN PASSWORD

Every step asserts what the client sees; the first surprise ends it with a traceback. At the end, every call of the
section was made.
"""

import sys
import time

from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException
from rocketchat_API.APISections.chat import RocketChatChat
from rocketchat_API.rocketchat import RocketChat

url, admin_name, admin_password = sys.argv[1:4]

LONG_AGO = "2020-01-01T00:00:00.000Z"

made = set()


class Client(RocketChat):
    """The client as it is, which notes the calls that are made."""

    def __getattribute__(self, name):
        made.add(name)
        return super().__getattribute__(name)


def refused(call, *args, **kwargs):
    """The API error a call must end in."""
    try:
        answer = call(*args, **kwargs)
        answer = list(answer) if not isinstance(answer, dict) else answer
    except RocketApiException as error:
        return error
    raise AssertionError(f"expected a refusal, got {answer}")


def texts(messages):
    return [message["msg"] for message in messages]


admin = Client(admin_name, admin_password, server_url=url)
people = {}
for name in ("alice", "bob"):
    created = admin.users_create(f"{name}@example.org", name.title(), f"{name}-password", name)["user"]
    people[name] = (created["_id"], Client(name, f"{name}-password", server_url=url))
(alice_id, alice), (bob_id, bob) = people["alice"], people["bob"]
room = alice.groups_create("den", members=["bob"])["group"]["_id"]

# Posting, in both ways.
first = alice.chat_post_message("hello *world*", room_id=room)["message"]
assert first["msg"] == "hello *world*", first
assert first["md"][0]["type"] == "PARAGRAPH" and first["md"][0]["value"][1]["type"] == "BOLD", first
sent = bob.chat_send_message({"rid": room, "msg": "hello @alice", "_id": "chosenbybob"})["message"]
assert sent["_id"] == "chosenbybob" and sent["mentions"][0]["username"] == "alice", sent
again = bob.chat_send_message({"rid": room, "msg": "hello @alice", "_id": "chosenbybob"})["message"]
assert again["_id"] == sent["_id"] and again["ts"] == sent["ts"], "the same id is the same message"
assert alice.chat_get_message("chosenbybob")["message"]["msg"] == "hello @alice"
assert texts(alice.chat_get_mentioned_messages(room)) == ["hello @alice"]

# Marks.
told = alice.chat_pin_message(sent["_id"])["message"]
assert told["t"] == "message_pinned" and told["attachments"][0]["text"] == "hello @alice", told
assert texts(bob.chat_get_pinned_messages(room)) == ["hello @alice"]
alice.chat_unpin_message(sent["_id"])
assert list(bob.chat_get_pinned_messages(room)) == []
refused(bob.chat_pin_message, sent["_id"])
bob.chat_star_message(first["_id"])
assert texts(bob.chat_get_starred_messages(room)) == ["hello *world*"]
assert list(alice.chat_get_starred_messages(room)) == [], "stars are one's own"
bob.chat_unstar_message(first["_id"])
assert list(bob.chat_get_starred_messages(room)) == []
bob.chat_react(first["_id"], emoji="smile")
assert alice.chat_get_message(first["_id"])["message"]["reactions"][":smile:"]["usernames"] == ["bob"]

# Threads.
alice.chat_follow_message(sent["_id"])
alice.chat_send_message({"rid": room, "msg": "a reply", "tmid": sent["_id"]})
assert texts(bob.chat_get_threads_list(room)) == ["hello @alice"]
assert texts(bob.chat_get_thread_messages(sent["_id"])) == ["a reply"]
bob.chat_unfollow_message(sent["_id"])
assert bob_id not in alice.chat_get_message(sent["_id"])["message"]["replies"]
changed = bob.chat_sync_thread_list(room, LONG_AGO)["threads"]
assert texts(changed["update"]) == ["hello @alice"], changed
changed = bob.chat_sync_thread_messages(sent["_id"], LONG_AGO)["messages"]
assert texts(changed["update"]) == ["a reply"], changed

# Searching: what was said a moment ago is found soon.
for attempt in range(100):
    found = texts(alice.chat_search(room, "world"))
    if found:
        break
    time.sleep(0.1)
assert found == ["hello *world*"], found
refused(alice.chat_search, "no-such-room", "world")

# Changing and deleting.
edited = alice.chat_update(room, first["_id"], "hello *everyone*")["message"]
assert edited["msg"] == "hello *everyone*" and edited["editedBy"]["username"] == "alice", edited
refused(bob.chat_update, room, first["_id"], "not mine")
alice.chat_delete(room, first["_id"])
assert [one["_id"] for one in bob.chat_get_deleted_messages(room, LONG_AGO)] == [first["_id"]]
changed = bob.chat_sync_messages(room, LONG_AGO)["result"]
assert "a reply" in texts(changed["updated"]), changed
assert [one["_id"] for one in changed["deleted"]] == [first["_id"]], changed

# The rest.
assert alice.chat_get_message_read_receipts(sent["_id"])["receipts"] == []
bob.chat_report_message(sent["_id"], "rude")
alice.chat_ignore_user(room, bob_id)
assert alice.subscriptions_get_one(room)["subscription"]["ignored"] == [bob_id]
alice.chat_ignore_user(room, bob_id, ignore=False)
assert alice.chat_get_url_preview(room, "http://localhost/")["urlPreview"]["url"] == "http://localhost/"
alice.rooms_create_discussion(room, "Lunch")
assert texts(alice.chat_get_discussions(room)) == ["Lunch"]

calls = {name for name in vars(RocketChatChat) if name.startswith("chat_")}
missing = calls - made
assert not missing, f"not called: {sorted(missing)}"
print("done")
