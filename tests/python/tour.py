"""A tour of a chat server through the public client package rocketchat_API, which knows nothing of this server.

Usage: tour.py URL ADMIN PASSWORD

Prints `room <id>` once the channel is there and waits for a line on standard input, so that somebody can
watch the rest. Every step asserts what the client sees; the first surprise ends the tour with a traceback.
"""

import sys

from rocketchat_API.APIExceptions.RocketExceptions import (
    RocketApiException,
    RocketAuthenticationException,
    RocketBadStatusCodeException,
)
from rocketchat_API.rocketchat import RocketChat

url, admin_name, admin_password = sys.argv[1:4]


def refused(call, *args, **kwargs):
    """The API error a call must end in."""
    try:
        answer = call(*args, **kwargs)
    except RocketApiException as error:
        return error
    raise AssertionError(f"expected a refusal, got {answer}")


def texts(messages):
    """What people wrote, newest first, without system messages."""
    return [message["msg"] for message in messages if "t" not in message]


# Who is there.
try:
    RocketChat(admin_name, "wrong password", server_url=url)
    raise AssertionError("a wrong password was accepted")
except RocketAuthenticationException:
    pass
admin = RocketChat(admin_name, admin_password, server_url=url)
assert admin.info()["version"], "the server tells its version"
me = admin.me()
assert me["username"] == admin_name and "admin" in me["roles"], me

people = {}
for name in ("alice", "bob", "carol"):
    created = admin.users_create(f"{name}@example.org", name.title(), f"{name}-password", name)["user"]
    assert created["username"] == name, created
    people[name] = (created["_id"], RocketChat(name, f"{name}-password", server_url=url))
alice_id, alice = people["alice"]
bob_id, bob = people["bob"]
carol_id, carol = people["carol"]
again = refused(admin.users_create, "alice2@example.org", "Alice", "x", "Alice")
assert "error-field-unavailable" in str(again), again
assert {user["username"] for user in admin.users_list()} >= {"alice", "bob", "carol", admin_name}
assert alice.users_info(username="bob")["user"]["_id"] == bob_id

# A channel, and who is in it.
channel = alice.channels_create("tour")["channel"]
room = channel["_id"]
assert channel["name"] == "tour" and channel["t"] == "c" and channel["usersCount"] == 1, channel
refused(bob.channels_create, "tour")
print(f"room {room}", flush=True)
sys.stdin.readline()

alice.channels_invite(room, bob_id)
members = {member["username"] for member in alice.channels_members(room_id=room)}
assert members == {"alice", "bob"}, members
assert room in {one["_id"] for one in bob.channels_list_joined()}

# What is said in it.
first = alice.chat_post_message("hello *world*", room_id=room)["message"]
assert first["msg"] == "hello *world*" and first["u"]["username"] == "alice", first
second = bob.chat_send_message({"rid": room, "msg": "hello yourself", "_id": "chosen-by-client1"})["message"]
assert second["_id"] == "chosen-by-client1", second
called = alice.chat_post_message("@bob are you there?", channel="#tour")["message"]
assert [mention["username"] for mention in called["mentions"]] == ["bob"], called
assert bob.chat_get_message(called["_id"])["message"]["msg"] == "@bob are you there?"

# Unread counts: a mention counts, an ordinary message in a channel only alerts (contract, rooms 2.3).
place = bob.subscriptions_get_one(room)["subscription"]
assert place["alert"] is True and place["userMentions"] == 1 and place["unread"] == 1, place
bob.subscriptions_read(room)
place = bob.subscriptions_get_one(room)["subscription"]
assert place["alert"] is False and place["userMentions"] == 0 and place["unread"] == 0, place

edited = alice.chat_update(room, first["_id"], "hello *everyone*")["message"]
assert edited["msg"] == "hello *everyone*" and edited["editedBy"]["username"] == "alice", edited
refused(bob.chat_update, room, first["_id"], "not mine")
bob.chat_react(first["_id"], emoji=":smile:")
message = bob.chat_get_message(first["_id"])["message"]
assert message["reactions"] == {":smile:": {"usernames": ["bob"]}}, message
bob.chat_react(first["_id"], emoji="smile")
assert "reactions" not in bob.chat_get_message(first["_id"])["message"]
alice.chat_delete(room, called["_id"])
refused(bob.chat_get_message, called["_id"])

history = list(alice.channels_history(room))
assert texts(history) == ["hello yourself", "hello *everyone*"], history
paged = list(alice.channels_history(room, count=1))
assert [message["_id"] for message in paged] == [message["_id"] for message in history], "paging changes nothing"
assert {message["t"] for message in history if "t" in message} == {"au"}, history

# The room itself.
assert alice.channels_set_topic(room, "touring")["topic"] == "touring"
assert alice.channels_info(room_id=room)["channel"]["topic"] == "touring"
refused(carol.channels_set_topic, room, "not mine")
renamed = alice.channels_rename(room, "grand-tour")["channel"]
assert renamed["name"] == "grand-tour", renamed
alice.channels_add_moderator(room, bob_id)
alice.channels_remove_moderator(room, bob_id)
carol.channels_join(room, "")
assert alice.channels_info(room_id=room)["channel"]["usersCount"] == 3
alice.channels_kick(room, carol_id)
bob.channels_leave(room)
assert {member["username"] for member in alice.channels_members(room_id=room)} == {"alice"}
refused(alice.channels_leave, room)
alice.channels_archive(room)
refused(alice.channels_unarchive, room)
admin.channels_unarchive(room)

# A private group: not for everybody's eyes.
group = alice.groups_create("secret", members=["bob"])["group"]
alice.chat_post_message("between us", room_id=group["_id"])
assert texts(bob.groups_history(group["_id"])) == ["between us"]
refused(carol.groups_history, group["_id"])
refused(carol.chat_post_message, "let me in", room_id=group["_id"])

# A direct message: counts as unread without a mention.
direct = alice.dm_create("bob")["room"]
alice.chat_post_message("psst", room_id=direct["_id"])
place = bob.subscriptions_get_one(direct["_id"])["subscription"]
assert place["unread"] == 1 and place["open"] is True, place
assert bob.chat_post_message("yes?", channel="@alice")["message"]["rid"] == direct["_id"]

# Leaving no doubt about what clients synchronise.
assert {one["rid"] for one in alice.subscriptions_get()["update"]} >= {room, group["_id"], direct["_id"]}
assert {one["_id"] for one in alice.rooms_get()["update"]} >= {room, group["_id"], direct["_id"]}

alice.logout()
try:
    alice.me()
    raise AssertionError("a logged-out token still works")
except RocketBadStatusCodeException:  # the 401 body has no `success`
    pass
print("done", flush=True)
