"""The demo country: Meridia's directory, routes and seven days of reports, written as files.

Words: organisation, block, population, life, report. Doors: `writing.write_country`
writes the files, `directory.describe` names the organisations. Pure: files out,
no database, no network; what loads and serves them goes through the same
commands as real input.
"""
