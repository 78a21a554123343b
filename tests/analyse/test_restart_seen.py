"""A restart is done when it is healed: a look at the counters while it is being healed is too early."""

from battlectl.analyse.faults.proof import prove_faults
from tests.analyse.faulted import faulted, injection


def test_a_restart_that_was_healed_a_moment_before_its_own_end_is_seen_to_have_restarted():
    evidence = faulted(
        injection("restart", until=22.0, down_ms=2_000),
        deeds="inject@20-20.3 heal@21.9-22.3",
        probes="new:ok@19 kept:ok@19.5 new:refused@20.4 kept:closed@20.4 new:refused@21.5 new:ok@22.4",
        counts="a:20@0-20 a:0@20-22.2 a:20@22.2-40#2",
    )
    [proof] = prove_faults(evidence)
    assert "did not restart" not in " ".join(proof.reasons)
    assert "restarted" in proof.provider_side
