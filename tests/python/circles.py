"""Discussions, invite links and teams through the public client package rocketchat_API, which knows nothing of this
server: every call of its sections about them.

Usage: circles.py URL ADMIN PASSWORD

Every step asserts what the client sees; the first surprise ends it with a traceback.
"""

import sys

from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException, RocketBadStatusCodeException
from rocketchat_API.APISections.invites import RocketChatInvites
from rocketchat_API.APISections.teams import RocketChatTeams
from rocketchat_API.rocketchat import RocketChat

url, admin_name, admin_password = sys.argv[1:4]

# Mails that invite to the server are about people, not rooms.
ELSEWHERE = {"send_invitation_email"}

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
    except (RocketApiException, RocketBadStatusCodeException) as error:
        return str(error)
    raise AssertionError(f"expected a refusal, got {answer}")


def names(rooms):
    return sorted(room["name"] for room in rooms)


def people_of(members):
    return {member["user"]["username"]: member.get("roles") or [] for member in members}


admin = Client(admin_name, admin_password, server_url=url)
ids, people = {}, {}
for name in ("ann", "ben", "cat"):
    ids[name] = admin.users_create(f"{name}@example.org", name.title(), f"{name}-password", name)["user"]["_id"]
    people[name] = Client(name, f"{name}-password", server_url=url)
ann, ben, cat = people["ann"], people["ben"], people["cat"]

# Discussions.
hall = ann.channels_create("hall", members=["ben"])["channel"]["_id"]
question = ben.chat_post_message("which colour?", room_id=hall)["message"]["_id"]
discussion = ann.rooms_create_discussion(hall, "Colours", pmid=question, reply="blue", users=["cat"])["discussion"]
assert discussion["prid"] == hall and discussion["fname"] == "Colours" and discussion["t"] == "c", discussion
assert "error-nested-discussion" in refused(ann.rooms_create_discussion, discussion["_id"], "Deeper")
begun = [message for message in ann.channels_history(hall) if message.get("t") == "discussion-created"]
assert [message["drid"] for message in begun] == [discussion["_id"]], begun
place = cat.subscriptions_get_one(discussion["_id"])["subscription"]
assert place["prid"] == hall and place["fname"] == "Colours", place

# Invite links.
den = ann.groups_create("den")["group"]["_id"]
assert "not_authorized" in refused(cat.find_or_create_invite, hall, 1, 5)
invite = ann.find_or_create_invite(den, 1, 5)
assert len(invite["_id"]) == 6 and invite["rid"] == den and invite["uses"] == 0, invite
assert ann.find_or_create_invite(den, 1, 5)["_id"] == invite["_id"], "the same wish, the same link"
assert "not_authorized" in refused(ann.list_invites)
assert [one["_id"] for one in admin.list_invites()] == [invite["_id"]]
assert cat.validate_invite_token(invite["_id"])["valid"] is True
assert cat.validate_invite_token("wrong1")["valid"] is False
assert "error-invalid-token" in refused(cat.use_invite_token, "wrong1")
assert cat.use_invite_token(invite["_id"])["room"]["rid"] == den
assert cat.groups_info(room_id=den)["group"]["usersCount"] == 2
assert admin.list_invites()[0]["uses"] == 1
cat.use_invite_token(invite["_id"])
assert admin.list_invites()[0]["uses"] == 1, "who is in does not use it"
assert "not_authorized" in refused(ann.remove_invite, invite["_id"])
assert admin.remove_invite(invite["_id"]) is True
assert "invalid-invitation-id" in refused(admin.remove_invite, invite["_id"])
assert ben.validate_invite_token(invite["_id"])["valid"] is False

# Teams: made, shown, found.
crew = ann.teams_create("crew", 1, members=[ids["ben"]])["team"]
assert crew["name"] == "crew" and crew["type"] == 1, crew
by_id, by_name = {"team_id": crew["_id"]}, {"team_name": "crew"}
assert "team-name-already-exists" in refused(ben.teams_create, "crew", 0)
open_team = ben.teams_create("club", 0)["team"]
for named in (by_id, by_name):
    assert ann.teams_info(**named)["teamInfo"]["roomId"] == crew["roomId"]
assert "Team not found" in refused(ann.teams_info, team_name="nobody")
assert names(admin.teams_list_all(count=1)) == ["club", "crew"], "page by page"
assert "unauthorized" in refused(ann.teams_list_all)
assert [one["teamId"] for one in ann.teams_autocomplete("cr")["teams"]] == [crew["_id"]]
assert not cat.teams_autocomplete("cr")["teams"], "private, and cat is not in it"

# Who is in it.
assert people_of(ann.teams_members(**by_id)) == {"ann": ["owner"], "ben": []}
assert people_of(ann.teams_members(**by_name, username="be")) == {"ben": []}
assert people_of(cat.teams_members(**by_id)) == {}, "strangers see nobody"
assert "unauthorized" in refused(ben.teams_add_members, **by_id, members=[{"userId": ids["cat"]}])
ann.teams_add_members(**by_id, members=[{"userId": ids["cat"], "roles": ["moderator"]}])
assert people_of(ann.teams_members(**by_name))["cat"] == ["moderator"]
assert cat.groups_info(room_id=crew["roomId"])["group"]["teamMain"] is True
ann.teams_update_member(**by_name, member={"userId": ids["cat"], "roles": []})
assert people_of(ann.teams_members(**by_id))["cat"] == []
ann.teams_remove_member(**by_id, user_id=ids["cat"])
assert "cat" not in people_of(ann.teams_members(**by_id))
assert "member-does-not-exist" in refused(ann.teams_remove_member, **by_name, user_id=ids["cat"])
ann.teams_add_members(**by_name, members=[{"userId": ids["cat"]}])
ann.teams_remove_member(**by_name, user_id=ids["cat"])
assert "last-owner-can-not-be-removed" in refused(ann.teams_remove_member, **by_id, user_id=ids["ann"])

# Its rooms.
deck = ann.channels_create("deck")["channel"]["_id"]
hold = ann.groups_create("hold")["group"]["_id"]
assert ann.teams_add_rooms(**by_id, rooms=[deck])["rooms"][0]["teamId"] == crew["_id"]
assert "room-already-on-team" in refused(ann.teams_add_rooms, **by_id, rooms=[deck])
ann.teams_add_rooms(**by_name, rooms=[hold])
assert names(ann.teams_list_rooms(**by_id)) == names(ann.teams_list_rooms(**by_name)) == ["deck", "hold"]
assert names(ann.teams_list_rooms(**by_id, name="ho")) == ["hold"]
assert names(ben.teams_list_rooms(**by_id)) == ["deck"], "private rooms are for those in them"
assert "user-not-on-private-team" in refused(cat.teams_list_rooms, **by_id)
assert ann.teams_update_room(deck, True)["room"]["teamDefault"] is True
assert "ben" in {member["username"] for member in ann.channels_members(room_id=deck)}, "it is everybody's now"
assert names(ann.teams_list_rooms(**by_id, room_type="autoJoin")) == ["deck"]
for named in (by_id, by_name):
    assert names(ben.teams_list_rooms_of_user(**named, user_id=ids["ben"])) == ["deck"]
assert "unauthorized" in refused(ben.teams_list_rooms_of_user, **by_id, user_id=ids["ann"])
assert "teamId" not in ann.teams_remove_room(**by_id, room_id=hold)["room"]
assert "room-not-on-that-team" in refused(ann.teams_remove_room, **by_name, room_id=hold)
ann.teams_add_rooms(**by_id, rooms=[hold])
ann.teams_remove_room(**by_name, room_id=hold)

# Groups that become teams, and the end of teams.
for how in ("room_id", "room_name"):
    name = f"guild-{how.replace('_', '-')}"
    group = ann.groups_create(name)["group"]["_id"]
    team = ann.groups_convert_to_team(**{how: group if how == "room_id" else name})["team"]
    assert (team["name"], team["type"], team["roomId"]) == (name, 1, group), team
assert "unauthorized" in refused(cat.teams_delete, **by_id)
ann.teams_delete(**by_name, roomsToRemove=[deck])
assert "error-room-not-found" in refused(ann.channels_info, room_id=deck)
assert "Team not found" in refused(ann.teams_info, **by_id)
ben.teams_delete(team_id=open_team["_id"])

sections = [RocketChatInvites, RocketChatTeams]
calls = {name for section in sections for name in vars(section) if not name.startswith("_")}
calls |= {"groups_convert_to_team", "rooms_create_discussion"}
assert calls - made == ELSEWHERE, sorted(calls - made)
print("done")
