"""The page of the audit trail: what every room has put on record, read by whoever may. The rooms give the words."""
