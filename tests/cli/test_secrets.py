"""No secret in anything that battlectl writes or prints: every byte of it is searched.

Rule: a secret is what comes from the environment, what a URL carries as credentials, and what a header is
named after; half of one is one too.
"""

import base64
import json

import pytest

from tests.cli.command import load_of
from tests.servers import serving
from tests.servers.listener import listening
from tests.servers.registry import keep_answering
from tests.servers.wire import encode, sized

pytestmark = pytest.mark.real
TOKEN = "tok3n-0f-the-environment-5eCrEt"
KEY = "ak_9f8e7d6c5b4a39281706"
QUERY = "q7w8e9r0t1y2u3i4"
PASSWORD = "p4ssw0rd-in-a-url"
HEADERS = {"X-Api-Key": "${API_TOKEN}", "X-Tenant": "blue"}


def everything(desk, ran):
    """All bytes that were written below results/ or printed, by where."""
    files = {str(path): path.read_bytes() for path in desk.results.rglob("*") if path.is_file()}
    return {**files, "stdout": ran.out.encode(), "stderr": ran.err.encode()}


def check_hidden(desk, ran, *secrets):
    assert "Traceback" not in ran.err, ran.err
    assert "battlectl crashed" not in ran.err, ran.err
    for where, data in everything(desk, ran).items():
        for secret in secrets:
            for form in (secret, secret[:8], base64.b64encode(secret.encode()).decode().rstrip("=")):
                assert form.encode() not in data, f"{form} in {where}"


def keyed(server):
    return f"{server.url.replace('//', f'//user:{PASSWORD}@')}/v2/{KEY}/rpc?apikey={QUERY}&chain=1"


def blurt(request, padding):
    """An error whose text repeats what the client sent, after some padding."""
    said = f"{'x' * padding} {request.line} {request.headers.get('x-api-key')} is not welcome"
    call = request.call
    return sized(encode({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32001, "message": said}}))


def blurt_page(request, padding):
    """The same as a page."""
    return sized(f"{'x' * padding}{request.headers.get('x-api-key')} {request.line}".encode())


def blurting(answer, padding):
    """A server that answers the readiness question, and blurts out everything else."""

    def reply(request):
        if request.call["method"] == "eth_chainId":
            return sized(encode({"jsonrpc": "2.0", "id": request.call["id"], "result": "0x1"}))
        return answer(request, padding)

    return listening(lambda connection: keep_answering(connection, reply, 0.0))


def ready(method="eth_chainId", within="300ms"):
    return {"method": method, "within": within}


def test_a_run_that_passes_shows_none(desk, echo):
    target = desk.target(keyed(echo), headers=HEADERS, providers=[{"id": "a", "url": keyed(echo)}])
    ran = desk.run(desk.scenario(), target=target, API_TOKEN=TOKEN)
    assert ran.code == 0
    request = echo.seen.recent[-1]
    assert request.headers["x-api-key"] == TOKEN
    assert KEY in request.line
    assert QUERY in request.line
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)
    assert desk.report["meta"]["target"]["config"]["headers"] == HEADERS


@pytest.mark.parametrize("padding", [0, 75, 100, 130])
@pytest.mark.parametrize("answer", [blurt, blurt_page])
def test_a_server_that_repeats_what_it_was_sent_shows_none(desk, answer, padding):
    """Whatever is quoted from a reply is cut somewhere: half a secret may be left, and is one too."""
    with blurting(answer, padding) as server:
        target = desk.target(keyed(server), headers=HEADERS, ready=ready())
        ran = desk.run(desk.scenario(phases={"steady": "200ms"}), target=target, API_TOKEN=TOKEN)
    assert ran.code == 99
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)


@pytest.mark.parametrize("padding", [0, 40, 80])
@pytest.mark.parametrize("answer", [blurt, blurt_page])
def test_a_server_that_repeats_it_when_asked_whether_it_is_ready(desk, answer, padding):
    with blurting(answer, padding) as server:
        target = desk.target(keyed(server), headers=HEADERS, ready=ready("eth_blockNumber"))
        ran = desk.run(desk.scenario(), target=target, API_TOKEN=TOKEN)
    assert ran.code == 4
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)


@pytest.mark.parametrize("name", ["refuse", "hang", "reset", "close_each", "html", "garbage"])
def test_a_target_that_is_down_shows_none(desk, name):
    with serving(name) as server:
        target = desk.target(keyed(server), headers=HEADERS, ready=ready())
        ran = desk.run(desk.scenario(), target=target, API_TOKEN=TOKEN)
    assert ran.code == 4
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)


def test_secrets_of_a_scenario_and_of_the_command_line_are_hidden_too(desk, echo):
    """A literal authorization, a token from the environment in a parameter, a key given with --set."""
    calls = [{"method": "eth_call", "params": ["${PARAM_TOKEN}"]}]
    load = load_of(calls=calls, http={"headers": {"Authorization": f"Bearer {TOKEN}"}})
    ran = desk.battlectl(
        *("run", desk.scenario(load=load), "--target", desk.target(echo.url), "--results", desk.results),
        *("--set", f"load.reads.http.headers.X-Auth-Token={KEY}"),
        PARAM_TOKEN=QUERY,
    )
    assert ran.code == 0, ran.err
    assert echo.seen.recent[-1].headers["x-auth-token"] == KEY
    check_hidden(desk, ran, TOKEN, KEY, QUERY)


def test_a_target_given_as_a_url_shows_none(desk, echo):
    ran = desk.battlectl("run", desk.scenario(), "--target", keyed(echo), "--results", desk.results)
    assert ran.code == 0, ran.err
    check_hidden(desk, ran, KEY, QUERY, PASSWORD)


def test_a_rebuilt_report_shows_none(desk):
    with blurting(blurt, 30) as server:
        target = desk.target(keyed(server), headers=HEADERS, ready=ready())
        ran = desk.run(desk.scenario(), target=target, API_TOKEN=TOKEN)
    (run,) = desk.runs
    (run / "report.json").unlink()
    again = desk.battlectl("report", run, API_TOKEN=TOKEN)
    assert again.code == 99
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)
    check_hidden(desk, again, TOKEN, KEY, QUERY, PASSWORD)


def test_json_shows_none(desk):
    with blurting(blurt, 30) as server:
        target = desk.target(keyed(server), headers=HEADERS, ready=ready())
        words = ("run", desk.scenario(), "--target", target, "--results", desk.results, "--json")
        ran = desk.battlectl(*words, API_TOKEN=TOKEN)
    assert json.loads(ran.out)["exit_code"] == 99
    check_hidden(desk, ran, TOKEN, KEY, QUERY, PASSWORD)


WORDS = ["reads", "total", "pass", "user", "20000"]


@pytest.mark.parametrize("word", WORDS)
def test_a_secret_that_is_an_ordinary_word_or_number_spoils_no_report(desk, echo, word):
    """A stage called "steady", a port: masking them must not touch what the report itself is made of."""
    target = desk.target(echo.url, headers={"X-Stage": "stage ${STAGE}"})
    scenario = desk.scenario(load=load_of(rate="200/s"))
    ran = desk.run(scenario, target=target, STAGE=word)
    assert ran.code == 0, ran.err
    report = desk.report
    assert (report["verdict"], report["workloads"][0]["name"]) == ("pass", "reads")
    (run,) = desk.runs
    before = (run / "report.json").read_bytes()
    assert desk.battlectl("report", run).code == 0
    assert (run / "report.json").read_bytes() == before
    (run / "report.json").unlink()
    assert desk.battlectl("report", run).code == 3, "from the journal"
    assert desk.report["workloads"][0]["issued"] == 100


def test_a_port_from_the_environment_spoils_no_report(desk, echo):
    target = desk.target("http://127.0.0.1:${PORT}/")
    ran = desk.run(desk.scenario(load=load_of(rate="400/s")), target=target, PORT=str(echo.port))
    assert ran.code == 0, ran.err
    assert desk.report["verdict"] == "pass"
