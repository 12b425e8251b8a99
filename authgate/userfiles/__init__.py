"""Files of users, and only here: bytes -> rows, and rows -> text, in CSV, JSON lines and htpasswd."""

from authgate.userfiles import csv, htpasswd, jsonl
from authgate.userfiles.rows import COLUMNS, Bad, Row, Writer
from authgate.userfiles.source import MAX_LINE, numbered

READERS = {"csv": csv.rows, "jsonl": jsonl.rows, "htpasswd": htpasswd.rows}
WRITERS: dict[str, type[Writer]] = {"csv": csv.Csv, "jsonl": jsonl.JsonLines, "htpasswd": htpasswd.Htpasswd}
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".htpasswd": "htpasswd"}

__all__ = ["COLUMNS", "ENDINGS", "MAX_LINE", "READERS", "WRITERS", "Bad", "Row", "Writer", "numbered"]
