"""How a notice is answered, and who wrote it: the sentences at its end, in the language that is on."""

from __future__ import annotations

from django.utils.translation import gettext as _


def answer(reference: str, *, is_of_another: bool) -> str:
    """Return how a message is answered: by the constituent itself, or by a parent or a regulator."""
    own = _(
        "Answer this message and keep the reference {reference}. Tell us what is mended, what is not yours, where we"
        " are mistaken, and what you need. What is mended leaves our list by itself when it is not seen any more."
    )
    of_another = _(
        "Answer this message and keep the reference {reference}. Tell us what is done about it, where we are mistaken,"
        " and what you need. What is mended leaves our list by itself when it is not seen any more."
    )
    return (of_another if is_of_another else own).format(reference=reference)


def answer_otherwise(reference: str, sender: str, phone: str) -> str:
    """Return how else than on its pages a constituent answers what is no mail, as far as there is any way."""
    if sender and phone:
        how = _("You can also write to {address} or call {phone}; name the reference {reference}.")
    elif sender:
        how = _("You can also write to {address}; name the reference {reference}.")
    elif phone:
        how = _("You can also call {phone}; name the reference {reference}.")
    else:
        how = _("When you speak to us of it, name the reference {reference}.")
    tell = _(
        "Tell us what is mended, what is not yours, where we are mistaken, and what you need. What is mended leaves"
        " our list by itself when it is not seen any more."
    )
    return f"{how.format(address=sender, phone=phone, reference=reference)} {tell}"


def ours(*, is_of_another: bool) -> str:
    """Return who we are to the constituent itself, or to a parent or a regulator; the names are put in later."""
    if is_of_another:
        return _(
            "{team} is the team that looks after incidents on the networks of {name}. Whether this notice is ours you"
            " see at {address}: enter the reference there. We never ask for a password, and never for money."
        )
    return _(
        "{team} is the team that looks after incidents on your networks. Whether this notice is ours you see at"
        " {address}: enter the reference there. We never ask for a password, and never for money."
    )
