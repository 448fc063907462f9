"""Pages of members. What is not a member's own is not there."""
