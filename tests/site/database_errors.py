"""Errors of databases as Django makes them of those of the drivers."""

from __future__ import annotations

import sqlite3

import psycopg
from django.db import Error


def of_sqlite(kind: type[Error], number: int, words: str) -> Error:
    """An error of SQLite with its number."""
    cause = sqlite3.DatabaseError(words)
    cause.sqlite_errorcode = number  # type: ignore[attr-defined]
    return _caused(kind(words), cause)


def of_postgresql(kind: type[Error], number: str | None, words: str) -> Error:
    """An error of PostgreSQL with its SQLSTATE."""
    cause = psycopg.OperationalError(words)
    cause.sqlstate = number
    return _caused(kind(words), cause)


def _caused(error: Error, cause: Exception) -> Error:
    error.__cause__ = cause
    return error
