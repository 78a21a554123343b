"""What a config says of telemetry is refused where it would be passed over, or could not be found."""

from __future__ import annotations

import pytest

from battlectl.errors import BadFile
from battlectl.scenario.parse_target import parse_target

HEAD = "version: 1\n"
GENERIC = f"{HEAD}kind: generic\nurl: http://127.0.0.1:1/\n"
LASSO = f"{HEAD}kind: lasso\nchain: eth\nurl: http://127.0.0.1:1/\n"
ENVOY = f"{HEAD}kind: envoy\nurl: http://127.0.0.1:1/\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GENERIC}telemetry: {{url: 'http://127.0.0.1:2'}}", 'needs a "format" here'),
        (f"{GENERIC}telemetry: {{format: prometheus}}", '"url" is missing'),
        (f"{GENERIC}telemetry: {{format: lasso}}", '"chain" is missing'),
        (f"{GENERIC}telemetry: {{format: envoy, url: 'http://example.org'}}", "is a public host"),
        (f"{ENVOY}telemetry: {{}}", '"url" is missing'),
        (f"{ENVOY}telemetry: {{url: 'http://127.0.0.1:2', socket: s}}", "keep one of them"),
        (
            f"{ENVOY}telemetry: {{url: 'http://127.0.0.1:2', metrics: {{requests: r}}}}",
            "only the format prometheus",
        ),
        (f"{ENVOY}telemetry: {{url: 'http://127.0.0.1:2', chain: eth}}", "only the format lasso"),
        (f"{ENVOY}pid: 1\npid_file: f", "keep one of them"),
        (f"{ENVOY}telemetry: {{url: 'http://127.0.0.1:2', every: 1ms}}", "every"),
        (f"{HEAD}kind: lab\ntelemetry: {{format: lasso}}", "watched without being asked"),
        (f"{HEAD}kind: lab\npid: 1", "watched without being asked"),
    ],
)
def test_a_mistake_is_told(text, message):
    with pytest.raises(BadFile) as caught:
        parse_target(text, "config/x.yml", {})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        LASSO,
        f"{LASSO}telemetry: {{every: 2s, sole: true}}",
        f"{ENVOY}telemetry: {{url: 'http://127.0.0.1:2', names: {{'h:1': a}}}}\npid_file: /run/envoy.pid",
        f"{GENERIC}telemetry: {{format: haproxy, socket: /run/haproxy.sock}}",
        f"{GENERIC}telemetry: {{format: prometheus, url: 'http://127.0.0.1:2', metrics: {{requests: r}}}}",
    ],
)
def test_what_can_be_asked_is_taken(text):
    assert parse_target(text, "config/x.yml", {}).target
