"""From an event to its receipt, over real nodes."""
from world import World, main, until
import json


def test_receipt_at_quorum():
    w = World().start()
    receipt = w.open_log()
    assert w.verify(receipt).returncode == 0, w.verify(receipt)
    status, receipt = w.agency.add(w.finding())
    assert status == 200, (status, receipt)
    out = w.verify(receipt)
    assert out.returncode == 0 and "finding.final" in out.stdout, out
    print(out.stdout)
    assert w.close() == [0, 0, 0, 0]


main([test_receipt_at_quorum])
