"""Every write to accounts; one file a subject, each function one transaction, one audit row, one event."""

from tocsin.people.actions.accounts import (
    change_person,
    close_account,
    create_person,
    end_session,
    end_sessions,
    open_account_again,
)
from tocsin.people.actions.by_mail import mail_link, reset_password, use_mailed_link
from tocsin.people.actions.enrolment import (
    choose_language,
    enrol,
    invite_first_person,
    keep_recovery_codes,
    make_demo_sign_in_link,
    make_enrolment_link,
    record_sign_in,
    renew_recovery_codes,
    set_up_second_factor,
    use_demo_sign_in_link,
)
from tocsin.people.actions.issuer import bind
from tocsin.people.actions.keys import make_api_key, revoke_api_key
from tocsin.people.actions.own import (
    add_passkey,
    change_password,
    remove_authenticator,
    remove_passkey,
    rename_passkey,
    replace_authenticator,
)

__all__ = [
    "add_passkey",
    "bind",
    "change_password",
    "change_person",
    "choose_language",
    "close_account",
    "create_person",
    "end_session",
    "end_sessions",
    "enrol",
    "invite_first_person",
    "keep_recovery_codes",
    "mail_link",
    "make_api_key",
    "make_demo_sign_in_link",
    "make_enrolment_link",
    "open_account_again",
    "record_sign_in",
    "remove_authenticator",
    "remove_passkey",
    "rename_passkey",
    "renew_recovery_codes",
    "replace_authenticator",
    "reset_password",
    "revoke_api_key",
    "set_up_second_factor",
    "use_demo_sign_in_link",
    "use_mailed_link",
]
