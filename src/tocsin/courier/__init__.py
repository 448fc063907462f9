"""What goes out to the network and comes in from it: fetches, outgoing mail and webhooks, incoming mail.

Words: fetch, address check, message, outbox, line (to the mail server), webhook, team key, token, received message.
Doors: `fetching.fetch`, `connecting.Allowance`, `refusals`, `outbox.put_mail`, `composing`, `protection`, `openpgp`,
`tokens`, `mail_addresses`, `mail_servers`, `domains`, `page_addresses`, `team_key`, `webhooks`,
`incoming`, `anew` (what looks at messages once more before they leave).
A claim and a try are how the machinery works; what came of a message is an action.
"""
