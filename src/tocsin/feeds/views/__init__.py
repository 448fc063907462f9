"""Pages of the room: Situation, findings, feeds and runs, quarantine, unattributed assets."""
