"""Where the gateway answers otherwise than the recordings of Lasso, on purpose, and why."""

from typing import NamedTuple

CURRENT, OCTOBER = "current", "2025-10"


class Difference(NamedTuple):
    """`where` has (revision, file, index), `lines` what the replay reports; `reason` is in the docs."""

    where: list
    lines: list
    reason: str


NO_ERRORS_PAGE = "body.errors: missing"
REFUSED = ["body.result: missing", "body.error: added"]

DIFFERENCES = [
    Difference(
        [
            (CURRENT, "00-api-fresh.json", 0),
            (CURRENT, "08-api-after.json", 0),
            (OCTOBER, "00-api-fresh.json", 0),
            (OCTOBER, "08-api-after.json", 0),
        ],
        [f"body.{key}: added" for key in ("chain", "chain_id", "counters", "providers")],
        "`/api/health` also names the chain, the providers and three counters: one look says who is out.",
    ),
    Difference(
        [(CURRENT, "00-api-fresh.json", 6)],
        [
            "status: 404 is 200",
            NO_ERRORS_PAGE,
            *(f"body.{key}: added" for key in ("chains", "connections", "system")),
        ],
        "`/api/status` is there in both revisions: what is known need not be hidden.",
    ),
    Difference(
        [(CURRENT, "00-api-fresh.json", 7)],
        ["status: 404 is 200", NO_ERRORS_PAGE, "body.chains: added"],
        "The administration is there in both revisions: faults that go through it need it.",
    ),
    Difference(
        [(CURRENT, "00-api-fresh.json", 10)],
        ["status: 302 is 405", "content type: text/html is application/json", "body: string is object"],
        "There is no dashboard to be sent to: `/` takes JSON-RPC by POST.",
    ),
    Difference(
        [(CURRENT, "00-api-fresh.json", 11)],
        ["status: 302 is 404", "content type: text/html is application/json", "body: string is object"],
        "There is no `/dashboard`.",
    ),
    Difference(
        [(CURRENT, "04-errors.json", 8)],
        REFUSED,
        'A request without `"jsonrpc": "2.0"` is an invalid request, -32600, as JSON-RPC 2.0 says.',
    ),
    Difference(
        [(CURRENT, "04-errors.json", 13), (OCTOBER, "04-errors.json", 6)],
        ["body.error.code: -32601 is -32602"],
        "Transactions are sent on, and bytes that are none are refused by the lab's nodes, -32602; Lasso "
        "sends none on.",
    ),
    Difference(
        [(CURRENT, "04-errors.json", 14)],
        REFUSED,
        "A block number that is none is refused by the lab's nodes, -32602; the recorded provider gave null.",
    ),
    Difference(
        [(OCTOBER, "04-errors.json", 4)],
        [
            "status: 500 is 200",
            NO_ERRORS_PAGE,
            *(f"body.{key}: added" for key in ("error", "id", "jsonrpc")),
        ],
        "An unknown method is -32601, as the provider says; the recorded build crashed on it.",
    ),
    Difference(
        [(OCTOBER, "04-errors.json", 7)],
        ["status: 200 is 204", "content type: application/json is ", "body: object is string"],
        "A request without an id is a notification: 204, as in JSON-RPC 2.0 and the current revision.",
    ),
    Difference(
        [(OCTOBER, "09-admin.json", 1)],
        ["status: 500 is 400", NO_ERRORS_PAGE, "body.message: added", "body.valid: added"],
        "A chain document that is wrong is a 400 that says where; the recorded build crashed on it.",
    ),
    Difference(
        [(OCTOBER, "09-admin.json", 2)],
        ["status: 500 is 409", NO_ERRORS_PAGE, "body.error: added"],
        "A second chain is a 409: a gateway has one. The recorded build crashed on it.",
    ),
    Difference(
        [(OCTOBER, "09-admin.json", 4)],
        ["status: 400 is 404"],
        "There is no `/api/admin/chains/:id/test`, so it is not found.",
    ),
    Difference(
        [(OCTOBER, "09-admin.json", 6)],
        ["body.chains: added"],
        "A backup is the answer itself, in `chains`; `backup_path` is empty: this gateway writes no files.",
    ),
]
