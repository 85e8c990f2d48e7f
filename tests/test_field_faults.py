"""Every failure of the field notes has a test that bears its name."""

from pathlib import Path
import re

FAILURES = range(1, 45)


def test_every_failure_has_its_test() -> None:
    named = {
        int(number)
        for path in Path(__file__).parent.rglob("test_*.py")
        for number in re.findall(r"def test_f(\d\d)_\w+", path.read_text("utf-8"))
    }
    assert sorted(set(FAILURES) - named) == []
    assert sorted(named - set(FAILURES)) == []
