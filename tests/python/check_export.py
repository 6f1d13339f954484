"""Reads the folder of an export with the tools of the standard library, and prints as JSON what is in it.

Usage: check_export.py FOLDER. Whatever is not as it must be ends it with a message.
"""

import csv
import email
import email.policy
import hashlib
import io
import json
import os
import sys
import zipfile
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img"}
TAGS = VOID | set(
    "html head title style body h1 p a code main article header footer small b i bdi pre del ul li".split()
)


def relative_files(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(path, name), folder).replace(os.sep, "/")


def check_manifest(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    listed = {one["name"]: one for one in manifest["files"]}
    there = set(relative_files(folder)) - {"manifest.json"}
    assert set(listed) == there, f"listed and there: {set(listed) ^ there}"
    for name, one in listed.items():
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        assert len(content) == one["size"], f"{name}: size"
        assert hashlib.sha256(content).hexdigest() == one["sha256"], f"{name}: SHA-256"
    return manifest


def data_files(manifest, ending):
    return [one["name"] for one in manifest["files"] if "results" in one and one["name"].endswith(ending)]


def read_ndjson(folder, manifest):
    events = []
    for name in data_files(manifest, ".ndjson"):
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            content = file.read()
        assert content.endswith("\n"), f"{name}: ends with a line end"
        events += [json.loads(line) for line in content[:-1].split("\n")]
    return {"events": events}


def read_csv(folder, manifest):
    rows = []
    for name in data_files(manifest, ".csv"):
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file, strict=True))
    for row in rows:
        for value in row.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r")), f"a formula: {value!r}"
        json.loads(row["data"])
    return {"events": rows}


class Page(HTMLParser):
    """A page that is read strictly: known elements, all closed in order, no attribute that runs or fetches anything."""

    def __init__(self, name):
        super().__init__(convert_charrefs=True)
        self.name = name
        self.open = []
        self.links = []
        self.articles = []
        self.policy = None
        self.struck = []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, f"{self.name}: an element {tag}"
        for attribute, value in attributes:
            assert not attribute.startswith("on") and attribute not in ("src", "style"), f"{self.name}: {attribute}"
            if attribute == "href":
                assert value and ":" not in value and not value.startswith("/"), f"{self.name}: {value}"
                self.links.append(value)
        found = dict(attributes)
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag == "article":
            self.articles.append({"kind": found["class"], "text": ""})
        if tag == "del":
            self.struck.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"{self.name}: </{tag}>"

    def handle_data(self, data):
        if "article" in self.open:
            self.articles[-1]["text"] += data
        if "del" in self.open:
            self.struck[-1] += data


def read_html(folder, manifest):
    pages = {}
    for one in manifest["files"]:
        name = one["name"]
        if not name.endswith(".html"):
            continue
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            content = file.read()
        page = check_page(name, content, one.get("results"))
        for link in page.links:
            target = os.path.normpath(os.path.join(folder, os.path.dirname(name), link))
            assert os.path.isfile(target), f"{name}: {link} leads nowhere"
        pages[name] = {"articles": page.articles, "struck": page.struck}
    return {"pages": pages}


def check_page(name, content, lines=None):
    """A page of HTML that runs and fetches nothing; its lines."""
    assert "<script" not in content.lower(), f"{name}: a script"
    page = Page(name)
    page.feed(content)
    page.close()
    assert not page.open, f"{name}: {page.open} are not closed"
    assert page.policy and page.policy.startswith("default-src 'none'"), f"{name}: {page.policy}"
    if lines is not None:
        assert len(page.articles) == lines, f"{name}: as many lines as the manifest says"
    return page


KNOWN_HEADERS = {"date", "from", "to", "cc", "subject", "message-id", "mime-version", "content-type"}
RSMF_HEADERS = {f"x-rsmf-{name}" for name in ("version", "generator", "begindate", "enddate", "eventcount")}


def read_mail(folder, name, known):
    with open(os.path.join(folder, name), "rb") as file:
        content = file.read()
    assert b"\n" not in content.replace(b"\r\n", b""), f"{name}: line ends are CRLF"
    assert max(map(len, content.split(b"\r\n"))) <= 998, f"{name}: lines are not too long"
    mail = email.message_from_bytes(content, policy=email.policy.default)
    for part in mail.walk():
        assert not part.defects, f"{name}: {part.defects}"
    names = [header.lower() for header in mail.keys()]
    assert len(names) == len(set(names)) and set(names) <= known, f"{name}: {names}"
    assert {"date", "from", "subject", "message-id"} <= set(names), f"{name}: {names}"
    people = {}
    for header in ("from", "to", "cc"):
        addresses = mail[header].addresses if mail[header] else ()
        people[header] = [[one.display_name, one.addr_spec] for one in addresses]
    told = {"subject": str(mail["subject"]), "message_id": str(mail["message-id"]), "people": people,
            "date": mail["date"].datetime.isoformat()}
    return mail, told


def read_eml(folder, manifest):
    mails = {}
    for one in manifest["files"]:
        name = one["name"]
        if "results" not in one:
            continue
        mail, told = read_mail(folder, name, KNOWN_HEADERS)
        assert mail.get_content_type() == "multipart/alternative", f"{name}: {mail.get_content_type()}"
        kinds = [part.get_content_type() for part in mail.iter_parts()]
        assert kinds == ["text/plain", "text/html"], f"{name}: {kinds}"
        told["text"] = mail.get_body(("plain",)).get_content()
        page = check_page(name, mail.get_body(("html",)).get_content(), one["results"])
        assert not page.links, f"{name}: {page.links} lead nowhere"
        told["articles"] = page.articles
        mails[name] = told
    ids = [told["message_id"] for told in mails.values()]
    assert len(ids) == len(set(ids)), f"each has an id of its own: {ids}"
    return {"mails": mails}


def text(least=0):
    return {"type": "string", "minLength": least}


def a_list(items):
    return {"type": "array", "items": items}


def an_object(required, **properties):
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


CUSTOM = a_list(an_object(["name", "value"], name=text(1), value=text(1)))
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
PARTICIPANT = an_object(["id"], id=text(1), display=text(), email=text(), avatar=text(), account_id=text(), custom=CUSTOM)
CONVERSATION = an_object(
    ["id", "platform", "participants"],
    id=text(1), display=text(), platform=text(1), type={"enum": ["direct", "channel"]},
    participants=a_list(text(1)), custodian=text(), custom=CUSTOM, icon=text(),
)
REACTION = an_object(["value"], value=text(1), count={"type": "integer"}, participants=a_list(text(1)))
EDIT = an_object(["participant"], participant=text(), timestamp=TIME, previous=text(), new=text())
ATTACHMENT = an_object(["id"], id=text(1), display=text(), size={"type": "integer"})
EVENT = an_object(
    ["type"],
    id=text(), type={"enum": ["message", "disclaimer", "join", "leave", "history", "unknown"]}, parent=text(),
    body=text(), participant=text(), conversation=text(), timestamp=TIME, deleted={"type": "boolean"},
    importance={"enum": ["normal", "high"]}, direction={"enum": ["incoming", "outgoing"]}, reactions=a_list(REACTION),
    attachments=a_list(ATTACHMENT), edits=a_list(EDIT), custom=CUSTOM,
)
# What the specification of RSMF 2.0.0 allows, without what it does not name.
RSMF = an_object(
    ["version", "participants", "conversations", "events"],
    version={"const": "2.0.0"}, participants=a_list(PARTICIPANT), conversations=a_list(CONVERSATION),
    events=a_list(EVENT), eventcollectionid=text(),
)


def check_references(name, found):
    """What is named within the file is there."""
    people = [one["id"] for one in found["participants"]]
    assert len(people) == len(set(people)), f"{name}: {people}"
    conversations = {one["id"]: one for one in found["conversations"]}
    ids = [event["id"] for event in found["events"]]
    assert len(ids) == len(set(ids)), f"{name}: {ids}"
    for conversation in conversations.values():
        assert set(conversation["participants"]) <= set(people), f"{name}: {conversation}"
    for event in found["events"]:
        assert event["conversation"] in conversations, f"{name}: {event}"
        named = [event.get("participant")] + [edit["participant"] for edit in event.get("edits", [])]
        named += [one for reaction in event.get("reactions", []) for one in reaction["participants"]]
        assert {one for one in named if one} <= set(people), f"{name}: {event}"
        assert event.get("parent") is None or event["parent"] in ids, f"{name}: {event}"


def read_rsmf(folder, manifest):
    import jsonschema_rs

    valid = jsonschema_rs.validator_for({"$schema": "http://json-schema.org/draft-07/schema#", **RSMF})
    files = {}
    for one in manifest["files"]:
        name = one["name"]
        if "results" not in one:
            continue
        mail, told = read_mail(folder, name, KNOWN_HEADERS | RSMF_HEADERS)
        assert mail["x-rsmf-version"] == "2.0.0", f"{name}: its version"
        attached = list(mail.iter_attachments())
        assert [part.get_filename() for part in attached] == ["rsmf.zip"], f"{name}: what is attached"
        assert attached[0]["content-transfer-encoding"] == "base64", f"{name}: how"
        with zipfile.ZipFile(io.BytesIO(attached[0].get_content())) as archive:
            assert archive.testzip() is None, f"{name}: the archive is sound"
            assert archive.namelist() == ["rsmf_manifest.json"], f"{name}: {archive.namelist()}"
            found = json.loads(archive.read("rsmf_manifest.json"))
        valid.validate(found)
        check_references(name, found)
        assert int(mail["x-rsmf-eventcount"]) == len(found["events"]) == one["results"], f"{name}: how many events"
        files[name] = {**told, "rsmf": found}
    return {"files": files}


READERS = {"ndjson": read_ndjson, "csv": read_csv, "html": read_html, "eml": read_eml, "rsmf": read_rsmf}


def main():
    folder = sys.argv[1]
    manifest = check_manifest(folder)
    found = READERS[manifest["format"]](folder, manifest)
    found["manifest"] = manifest
    json.dump(found, sys.stdout)


main()
