"""Backup and restore: database, stored observations, keys and settings as one file.

The order is what makes a backup whole while an import runs. The manifest in the
database says which files of the store belong to the state; those files never
change and are not deleted while a backup runs (`store/backup.lock`). So the
database is copied first, in one consistent moment, and the files after it:
everything that moment names is still there, and what came later is surplus.

Words: archive (the file), member, contents (the list of members with their digests).
Doors: `writing.back_up`, `reading.restore`.
"""
