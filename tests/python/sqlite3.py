"""What the tests need of the program sqlite3, for machines without it: `sqlite3 -readonly FILE SQL`."""

import sys

# This file has the name of the module.
sys.path.pop(0)
import sqlite3

_, readonly, file, sql = sys.argv
assert readonly == "-readonly", readonly
with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
    for row in database.execute(sql):
        print("|".join("" if value is None else str(value) for value in row))
