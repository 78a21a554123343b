"""Ways for a fault of the lab to do nothing: none ends in a pass, and each is told by its reason."""

import os
import signal
import time

import httpx
import pytest

from tests.cli.command import Desk
from tests.cli.nothing.admin_front import admin_front
from tests.cli.nothing.field import (
    SCENARIO,
    A,
    B,
    check_confirmed,
    check_refuted,
    clear,
    fight,
    reasons_of,
    settle,
    target_of,
)
from tests.lab.test_lab_verbs import lab as lab_of
from tests.real.haproxy import running_haproxy

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A lab that runs by itself: a run does not end it, and others can lay hands on it."""
    words = ["--providers", "6", "--strategy", "round-robin", "--admin-port", "0"]
    with lab_of(Desk(tmp_path_factory.mktemp("lab")), "up", *words) as ready:
        yield ready


@pytest.fixture
def lab(shared):
    settle(shared)
    yield shared
    clear(shared)


@pytest.fixture
def field(desk, lab):
    """A desk whose target is that lab."""
    desk.write("target.yml", target_of(lab))
    return desk


def through(field, lab, front):
    """The same target, whose admin API is asked through a front."""
    field.write("target.yml", target_of(lab, chaos={"driver": "toxiproxy", "url": front.url}))


def test_without_a_trick_the_fault_is_confirmed(field, lab):
    with admin_front(lab["admin_url"]) as front:
        through(field, lab, front)
        check_confirmed(fight(field))


def test_providers_without_url_are_asked_where_the_lab_says(field, lab):
    names = [{"id": provider["id"]} for provider in lab["providers"]]
    field.write("target.yml", target_of(lab, providers=names))
    check_confirmed(fight(field))


# The driver does not do what it says


def test_a_driver_that_says_yes_and_does_nothing(field, lab):
    def ignore(method, path, body):
        if "/toxics" in path:
            return (200, b'{"name":"x","type":"kill"}') if method == "POST" else (204, b"")
        return None

    with admin_front(lab["admin_url"], ignore) as front:
        through(field, lab, front)
        check_refuted(fight(field), "mismatch: had no effect", "refused or reset was expected")


def test_a_driver_that_refuses(field, lab):
    def refuse(method, path, body):
        return (500, b"no room") if method == "POST" and path.endswith("/toxics") else None

    with admin_front(lab["admin_url"], refuse) as front:
        through(field, lab, front)
        check_refuted(fight(field), "the driver could not inject it: the admin API answered 500 no room")


def test_an_admin_api_that_dies_before_the_fault(field, lab):
    with admin_front(lab["admin_url"]) as front:
        through(field, lab, front)

        def meddle(battle):
            battle.wait_for_load()
            front.die()

        check_refuted(fight(field, meddle), "the driver could not inject it: ", "RemoteProtocolError")


def test_an_admin_api_that_dies_during_the_fault(field, lab):
    with admin_front(lab["admin_url"]) as front:
        through(field, lab, front)

        def meddle(battle):
            battle.wait_for_deed("inject", "done")
            front.die()

        fought = fight(field, meddle)
    check_refuted(fought, "may still be in force at provider_a", code=6)
    assert "could not be healed" in " ".join(reasons_of(fought, A))


# Somebody else ends it


def test_healed_by_somebody_else_half_way(field, lab):
    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        time.sleep(0.7)
        clear(lab)

    check_refuted(fight(field, meddle), "mismatch: was gone at", "it should have lasted until")


def test_a_lease_that_somebody_takes_away(field, lab):
    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        for lease in httpx.get(f"{lab['admin_url']}/leases", trust_env=False).json():
            httpx.delete(f"{lab['admin_url']}/leases/{lease['id']}", trust_env=False)

    check_refuted(fight(field, meddle), "the lease was lost at", "its faults have healed")


def test_a_lease_that_ends_while_battlectl_stands_still(field, lab):
    chaos = {"driver": "toxiproxy", "url": lab["admin_url"], "lease": "2s"}
    field.write("target.yml", target_of(lab, chaos=chaos))

    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        os.kill(battle.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(battle.pid, signal.SIGCONT)

    phases = {**SCENARIO["phases"], "battle": "5s"}
    check_refuted(fight(field, meddle, phases=phases), "the lease was lost at", "its faults have healed")


def test_a_lease_that_ends_while_the_lab_stands_still(field, lab):
    chaos = {"driver": "toxiproxy", "url": lab["admin_url"], "lease": "2s"}
    field.write("target.yml", target_of(lab, chaos=chaos))

    def meddle(battle):
        battle.wait_for_deed("inject", "done")
        os.kill(lab["providers_pid"], signal.SIGSTOP)
        time.sleep(3)
        os.kill(lab["providers_pid"], signal.SIGCONT)

    phases = {**SCENARIO["phases"], "battle": "6s"}
    check_refuted(fight(field, meddle, phases=phases), "the lease was lost at")


# It is aimed at somebody else


def test_a_provider_that_does_not_exist(field):
    fought = fight(field, chaos=[{"kill": "provider_aa"}])
    assert fought.ran.code == 2
    assert "chaos.0.kill" in fought.shown
    assert "provider_aa" in fought.shown
    assert fought.report == {}


def test_a_proxy_that_does_not_exist(field, lab):
    chaos = {"driver": "toxiproxy", "url": lab["admin_url"], "proxies": {A: "nobody"}}
    field.write("target.yml", target_of(lab, chaos=chaos))
    fought = fight(field)
    assert fought.ran.code == 2
    assert 'there is no proxy "nobody" (there are: provider_a, provider_b,' in fought.shown
    assert fought.report["verdict"] == "inconclusive"


def test_a_provider_whose_proxy_is_another_s(field, lab):
    chaos = {"driver": "toxiproxy", "url": lab["admin_url"], "proxies": {A: B, B: A}}
    field.write("target.yml", target_of(lab, chaos=chaos))
    check_refuted(fight(field), "mismatch: struck another provider")


def test_a_provider_whose_url_is_another_s(field, lab):
    there = target_of(lab)
    there["providers"][0]["url"] = there["providers"][1]["url"]
    field.write("target.yml", there)
    check_refuted(fight(field), "or is asked at another's url")


# Nothing is there to be broken


def test_a_provider_that_is_broken_before_the_run(field, lab):
    path = f"{lab['admin_url']}/proxies/{A}/toxics"
    toxic = {"type": "kill", "name": "left by somebody"}
    httpx.post(path, json=toxic, trust_env=False).raise_for_status()
    fought = fight(field)
    assert fought.ran.code == 4
    assert "something is broken already" in fought.shown
    assert 'toxic "left by somebody" of proxy provider_a' in fought.shown
    assert fought.report["verdict"] == "inconclusive"


def test_a_provider_that_gets_no_traffic(field, lab):
    field.write("target.yml", target_of(lab, url=f"{lab['url']}/rpc/provider/{B}/battlechain"))
    check_refuted(fight(field), "got no more traffic than probes may be")


def test_a_target_that_answers_everything_itself(field, lab, tmp_path):
    with running_haproxy(tmp_path) as cache:
        field.write("target.yml", target_of(lab, url=cache.url))
        check_refuted(fight(field), "got no more traffic than probes may be")


def test_a_fault_after_the_load_has_ended(field):
    load = {"reads": {**SCENARIO["load"]["reads"], "phases": ["steady"]}}
    check_refuted(fight(field, load=load), "no load was due while it was in force")


def test_a_run_that_ends_before_the_fault(field):
    def meddle(battle):
        battle.wait_for_load()
        os.kill(battle.pid, signal.SIGINT)

    phases = {**SCENARIO["phases"], "steady": "20s"}
    check_refuted(fight(field, meddle, phases=phases), "the run ended before it was due", code=130)


# It has nothing to strike, or strikes nothing


def test_connections_that_were_open_before(field):
    chaos = [{"kill": {"provider": A, "connections": "new"}}]
    check_refuted(fight(field, chaos=chaos), "spares those that were open before")


def test_a_fault_of_a_millisecond(field):
    check_refuted(fight(field, chaos=[{"kill": A, "for": "1ms"}]), "it was to last 1ms")


BARREN = {
    "a chance that never comes": (
        {"http_5xx": {"provider": "provider_a", "probability": "0.01%"}},
        "it strikes 0.01% of them alone",
    ),
    "methods that the load never calls": (
        {"method_error": {"provider": "provider_b", "methods": ["eth_getLogs"]}},
        "it strikes eth_getLogs alone, and the load calls eth_blockNumber",
    ),
    "a transport that the load never uses": (
        {"hang": {"provider": "provider_c", "transport": "ws"}},
        "it strikes WebSockets alone, and nothing of the load went there over one",
    ),
    "a delay of nothing": (
        {"latency": {"provider": "provider_d", "latency": "0ms"}},
        "adds 0ms at most, and nobody could tell",
    ),
    "a delay that nobody could notice": (
        {"latency": {"provider": "provider_e", "latency": "1ms"}},
        "adds 1ms at most, and nobody could tell",
    ),
    "a fault that is made to do nothing": ({"rpc_noop": "provider_f"}, "does nothing by design"),
}
"""Name -> (a fault that only looks like one, the reason)."""


def test_faults_that_strike_nothing_of_the_load(field):
    """All in one battle, each at a provider of its own, for time's sake; each is judged by itself."""
    fought = fight(field, chaos=[fault for fault, _ in BARREN.values()])
    check_refuted(fought)
    faults = fought.report["faults"]
    assert {fault["proof"] for fault in faults} == {"unproven"}
    for fault, (_, reason) in zip(faults, BARREN.values(), strict=True):
        (provider,) = fault["providers"]
        assert reason in provider["reasons"][0]
        assert provider["reasons"][0] in fought.proof
        assert f"fault {fault['name']} at {provider['provider']}: unproven: " in fought.shown


@pytest.mark.parametrize("name", ["a delay of nothing", "a fault that is made to do nothing"])
def test_its_own_count_of_hits_alone_confirms_nothing(field, name):
    fault, reason = BARREN[name]
    check_refuted(fight(field, chaos=[fault]), reason)
