"""Feeds of any publisher, described by a mapping file instead of code.

Pure: the description and the records come as bytes.
Words: feed, mapping file, shape, reading.
Doors: `content_of`, `read_feed`, `shipped_feeds`, `Reading.table`.
"""

from tocsin.formats.delimited.feedfile import Feed, Reading, content_of, read_feed, shipped_feeds

__all__ = ["Feed", "Reading", "content_of", "read_feed", "shipped_feeds"]
