"""What the domain of the sender says of itself, asked of a real server of names."""

from __future__ import annotations

import dns.resolver
import pytest

from tests.courier.name_server import names
from tocsin.courier import domains

D = "cirt.example"
GOOD = {
    D: ["v=spf1 mx -all", "other=thing"],
    f"mail._domainkey.{D}": ["v=DKIM1; k=rsa; p=MIIBIjANBgkq" + "A" * 300],
    f"_dmarc.{D}": ["v=DMARC1; p=reject; rua=mailto:d@cirt.example"],
}


def said(texts: dict[str, list[str]], selector: str = "") -> dict[str, domains.Finding]:
    with names(texts) as (asked, _questions):
        return {each.about: each for each in domains.examined(D, asked, selector=selector)}


def test_a_domain_that_says_all_three_has_nothing_to_mend() -> None:
    found = said(GOOD)
    assert list(found) == ["SPF", "DKIM", "DMARC"]
    assert all(each.remedy == "" for each in found.values())
    assert found["SPF"].says == "cirt.example says which servers send for it (v=spf1 mx -all)"
    assert found["DKIM"].says == "cirt.example has the key mail"
    assert "(reject)" in found["DMARC"].says


def test_a_domain_that_says_nothing_is_told_what_to_add() -> None:
    found = said({})
    assert "v=spf1 mx -all" in found["SPF"].remedy
    assert "TOCSIN_MAIL_DKIM_SELECTOR" in found["DKIM"].remedy
    assert "_dmarc.cirt.example" in found["DMARC"].remedy


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (["v=spf1 +all"], "lets any server send"),
        (["v=spf1 mx ?all"], "lets any server send"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "2 records"),
        (["v=spf10 mx -all"], "does not say"),
        ([], "does not say"),
    ],
)
def test_an_spf_record_that_protects_nothing_is_named(record: list[str], words: str) -> None:
    finding = said({**GOOD, D: record})["SPF"]
    assert words in finding.says and finding.remedy


def test_the_usual_names_of_keys_are_tried_and_a_set_one_alone() -> None:
    mine = {f"cirt2026._domainkey.{D}": ["v=DKIM1; p=AAAA"]}
    assert said(mine)["DKIM"].remedy
    assert said(mine, "cirt2026")["DKIM"].remedy == ""
    withdrawn = said({f"mail._domainkey.{D}": ["v=DKIM1; p="]})["DKIM"]
    assert "withdrawn" in withdrawn.says and withdrawn.remedy


def test_a_policy_that_does_nothing_yet_is_named() -> None:
    assert "p=quarantine" in said({**GOOD, f"_dmarc.{D}": ["v=DMARC1; p=none"]})["DMARC"].remedy
    assert said({**GOOD, f"_dmarc.{D}": ["v=DMARC1; p=quarantine"]})["DMARC"].remedy == ""


def test_the_policy_of_the_domain_above_holds_for_the_one_below() -> None:
    with names({"_dmarc.cirt.example": ["v=DMARC1; p=reject"]}) as (asked, _questions):
        found = domains.examined("mail.cirt.example", asked)
    assert found[-1].remedy == ""


def test_records_that_steer_terminals_are_written_out() -> None:
    assert "\x1b" not in said({**GOOD, D: ["v=spf1 \\027[2J -all"]})["SPF"].says


def test_without_an_answer_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "WITHIN_S", 0.2)
    with names({}, silent=True) as (asked, questions), pytest.raises(domains.NotAsked, match="no server of names"):
        domains.examined(D, asked)
    assert questions, "it was asked"


def test_a_machine_without_a_server_of_names_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_how: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    with pytest.raises(domains.NotAsked, match="knows no server"):
        domains.resolver()
