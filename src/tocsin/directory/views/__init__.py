"""Pages of the directory. Every page is for the team's staff; every write is an action."""
