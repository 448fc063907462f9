"""The columnar event engine: report files in, attributed findings with their history out.

Pure: Arrow tables in, Arrow tables out, files only below the folder it is given;
no framework, no product database, no network.
Words: report, record, cell, event, observation, finding, cycle, claim, quarantine.
Doors: `mapping`, `records`, `normalise`, `enrich`, `attribute`, `fold`, `cycles`, `run`, `query`.
"""
