"""The verdicts, tested by faults: planted defects that must be named, and sound gateways that must not be."""
