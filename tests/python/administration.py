"""People and administration through the public client package rocketchat_API, which knows nothing of this server.

Usage: administration.py URL ADMIN PASSWORD FOLDER

FOLDER is where pictures for uploads may be written. Every step asserts what the client sees; the first surprise ends
it with a traceback.
"""

import base64
import os
import sys

import requests
from rocketchat_API.APIExceptions.RocketExceptions import (
    RocketApiException,
    RocketAuthenticationException,
)
from rocketchat_API.rocketchat import RocketChat

url, admin_name, admin_password, folder = sys.argv[1:5]

# A picture of one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def refused(call, *args, **kwargs):
    """The API error a call must end in."""
    try:
        answer = call(*args, **kwargs)
    except RocketApiException as error:
        return str(error)
    raise AssertionError(f"expected a refusal, got {answer}")


def picture(name):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(PNG)
    return path


admin = RocketChat(admin_name, admin_password, server_url=url)

# Accounts.
signed_up = admin.users_register("eve@example.org", "Eve", "eve-password", "eve")["user"]
assert signed_up["username"] == "eve", signed_up
eve_id = signed_up["_id"]
eve = RocketChat("eve", "eve-password", server_url=url)
assert eve.me()["emails"] == [{"address": "eve@example.org", "verified": False}], eve.me()
dan_id = admin.users_create("dan@example.org", "Dan", "dan-password", "dan", roles=["user", "bot"])["user"]["_id"]
assert admin.users_info(user_id=dan_id)["user"]["roles"] == ["user", "bot"]
assert "emails" not in eve.users_info(username="dan")["user"], "others see less"
updated = admin.users_update(dan_id, name="Daniel", bio="Writes things down.")["user"]
assert (updated["name"], updated["bio"]) == ("Daniel", "Writes things down."), updated
assert "error-action-not-allowed" in refused(eve.users_update, dan_id, name="Mallory")
assert len(list(admin.users_list(count=2))) >= 4, "pages follow one another"
assert admin.users_set_active_status(dan_id, False)["user"]["active"] is False
try:
    RocketChat("dan", "dan-password", server_url=url)
    raise AssertionError("a deactivated user logged in")
except RocketAuthenticationException:
    pass
admin.users_set_active_status(dan_id, True)
RocketChat("dan", "dan-password", server_url=url)
assert admin.users_forgot_password("nobody@example.org")["success"]

# Preferences, status, presence.
eve.users_set_preferences(eve_id, {"emailNotificationMode": "nothing", "sidebarViewMode": "condensed"})
preferences = eve.users_get_preferences()["preferences"]
assert preferences["sidebarViewMode"] == "condensed", preferences
eve.users_set_status("Out for lunch", status="busy")
assert eve.me()["statusText"] == "Out for lunch"
assert admin.users_get_presence(username="eve")["presence"] in ("busy", "offline")

# Pictures.
assert admin.users_get_avatar(username="eve"), "letters, until there is a picture"
eve.users_set_avatar(picture("eve.png"))
assert requests.get(f"{url}/avatar/eve").headers["Content-Type"] == "image/png"
eve.users_reset_avatar(user_id=eve_id)
assert requests.get(f"{url}/avatar/eve").headers["Content-Type"].startswith("image/svg+xml")
admin.custom_emoji_create("pixel", picture("pixel.png"), aliases="dot")
pixel = next(emoji for emoji in admin.custom_emoji_all() if emoji["name"] == "pixel")
assert pixel["aliases"] == ["dot"], pixel
assert requests.get(f"{url}/emoji-custom/pixel.{pixel['extension']}").headers["Content-Type"] == "image/png"
admin.custom_emoji_update(pixel["_id"], "pixel", emoji_file=picture("pixel.png"), aliases="point")
assert admin.custom_emoji_list()["emojis"]["update"][0]["aliases"] == ["point"]
message = eve.chat_post_message("look", room_id="GENERAL")["message"]
eve.chat_react(message["_id"], "pixel")
assert ":pixel:" in eve.chat_get_message(message["_id"])["message"]["reactions"]
admin.custom_emoji_delete(pixel["_id"])
assert not list(admin.custom_emoji_all())
assert not list(admin.custom_sounds_list())

# Roles and permissions.
role = admin.roles_create("Writers", description="They write.")["role"]
admin.roles_add_user_to_role(role["_id"], "eve")
assert [user["username"] for user in admin.roles_get_users_in_role(role["_id"])] == ["eve"]
assert any(one["_id"] == role["_id"] for one in eve.roles_list()["roles"])
assert "error-role-in-use" in refused(admin.roles_delete, role["_id"])
admin.permissions_update([{"_id": "create-user", "roles": ["admin", role["_id"]]}])
eve.users_create("fay@example.org", "Fay", "fay-password", "fay")
admin.roles_remove_user_from_role(role["_id"], "eve")
assert "error-action-not-allowed" in refused(eve.users_create, "x@example.org", "X", "x-password", "xavier")
admin.permissions_update([{"_id": "create-user", "roles": ["admin"]}])
admin.roles_delete(role["_id"])
assert any(entry["_id"] == "create-user" for entry in eve.permissions_list_all()["update"])
assert role["_id"] in [one["_id"] for one in admin.roles_sync("2020-01-01T00:00:00.000Z")["roles"]["remove"]]

# Settings.
admin.settings_update("Site_Name", "The Record")
assert admin.settings_get("Site_Name")["value"] == "The Record"
assert "unauthorized" in refused(eve.settings_get, "Site_Name").lower()
assert any(one["_id"] == "Site_Name" for one in eve.settings_public())
assert len(list(admin.settings())) > len(list(eve.settings())), "privileged settings are for the privileged"
assert admin.service_configurations()["configurations"] == []

# Custom status, banners, licences, figures, search, moderation.
status = admin.custom_user_status_create("Gardening", "away")["customUserStatus"]
assert [one["name"] for one in eve.custom_user_status_list()] == ["Gardening"]
admin.custom_user_status_update(status["_id"], "Sowing", "busy")
admin.custom_user_status_delete(status["_id"])
assert eve.banners("web")["banners"] == []
assert admin.licenses_info()["license"]["activeModules"] == []
assert admin.licenses_max_active_users()["activeUsers"] >= 4
assert admin.statistics(refresh="true")["totalUsers"] >= 5
assert list(admin.statistics_list())
assert [user["username"] for user in eve.spotlight("@fay")["users"]] == ["fay"]
assert "fay" in [one["username"] for one in eve.directory({"text": "fay", "type": "users"})]
admin.moderation_report_user(eve_id, "Posts single pixels.")
assert list(admin.moderation_user_reports())
assert "unauthorized" in refused(eve.moderation_user_reports).lower()

# Ends.
admin.users_delete(dan_id)
assert "User not found" in refused(admin.users_info, user_id=dan_id)
eve.logout()
print("done")
