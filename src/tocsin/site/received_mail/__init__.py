"""Pages of mail that came in. They stand in the site, since the room that keeps the mail knows no people."""
