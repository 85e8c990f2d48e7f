"""The result of a run: as data for a program, as text for a person."""

from dataclasses import asdict, dataclass
from typing import Any, Final

COUNTERS: Final = ("added", "updated", "removed", "skipped", "unresolved", "errors")
SUCCESS: Final = ("ok", "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run of a pair. `requests` are counted by the services, not by the integration."""

    name: str
    status: str
    features: dict[str, dict[str, int]]
    duration_s: float
    requests: dict[str, int]

    @classmethod
    def of(cls, run: dict[str, Any], requests: dict[str, int]) -> Outcome:
        """Read the answer of the action."""
        return cls(
            name=run["pair"],
            status=run["status"],
            features={
                name: {counter: feature[counter] for counter in COUNTERS}
                for name, feature in run["features"].items()
            },
            duration_s=run["duration"],
            requests=requests,
        )

    @property
    def succeeded(self) -> bool:
        """Whether all that can be synced was synced."""
        errors = sum(feature["errors"] for feature in self.features.values())
        return self.status in SUCCESS and errors == 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """Return a table."""
        requests = ", ".join(f"{count} to {name}" for name, count in self.requests.items())
        width = max((len(name) for name in self.features), default=0)
        lines = [
            f"{self.name}: {self.status} after {self.duration_s:.1f} s; requests: {requests}",
            " " * width + "".join(f"{counter:>12}" for counter in COUNTERS),
        ]
        for name, feature in self.features.items():
            lines.append(name.ljust(width) + "".join(f"{feature[one]:>12}" for one in COUNTERS))
        return "\n".join(lines)
