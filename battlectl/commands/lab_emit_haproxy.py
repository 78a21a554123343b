"""HAProxy's configuration with the lab behind it, and two headers that tell who served.

Rule: its servers have the ids of the lab's providers; what it answers itself has the headers too, without a
name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from battlectl.lab.control import Lab

CONFIG = """global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 10s
    timeout tunnel 1h
    timeout connect 1s
    timeout http-keep-alive 60s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response response-timeout 500 502 503 504
frontend stats
    bind 127.0.0.1:{stats_port}
    stats enable
    stats uri /stats
frontend rpc
    bind 127.0.0.1:{port}
    http-after-response set-header X-Served-By %[srv_name]
    http-after-response set-header X-Retries %rc
    default_backend providers
backend providers
    balance roundrobin
"""


def haproxy_config(lab: Lab, port: int, stats_port: int) -> str:
    """Round robin over the lab's providers, each checked once a second."""
    head = CONFIG.format(port=port, stats_port=stats_port)
    servers = (f"    server {one.id} {urlsplit(one.url).netloc} check inter 1s\n" for one in lab.providers)
    return head + "".join(servers)
