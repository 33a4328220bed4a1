"""Rounds: every side does its work once a round, and only what happened in the same round is compared."""

from statistics import median

from process import Cost, Failed


class Samples:
    """What each side cost, by side and round. A side that fails once is out, with the reason."""

    def __init__(self):
        self.costs: dict[str, dict[int, Cost]] = {}
        self.pictures: dict[str, int] = {}
        self.out: dict[str, str] = {}

    def add(self, side: str, number: int, cost: Cost, pictures: int) -> None:
        self.costs.setdefault(side, {})[number] = cost
        self.pictures[side] = pictures

    def has(self, side: str) -> bool:
        return side in self.costs and side not in self.out

    def missing(self) -> list[str]:
        """The sides without a figure, each with the reason. A run that has any did not measure what it was asked to."""
        return [f"{side}: {reason}" for side, reason in self.out.items()]

    def wall(self, side: str) -> float:
        """Seconds for a picture, two workers."""
        return median(cost.wall for cost in self.costs[side].values()) / self.pictures[side]

    def cpu(self, side: str) -> float:
        return median(cost.cpu for cost in self.costs[side].values()) / self.pictures[side]

    def peak(self, side: str) -> int:
        return max(cost.peak for cost in self.costs[side].values())

    def ratios(self, slow: str, fast: str, what: str) -> list[float]:
        """How many times as long `slow` takes for a picture, round by round."""
        found = []
        for number, cost in self.costs[slow].items():
            other = self.costs[fast].get(number)
            if other is None or getattr(other, what) <= 0:
                continue
            found.append((getattr(cost, what) / self.pictures[slow]) / (getattr(other, what) / self.pictures[fast]))
        return found


def play(rounds: int, sides: dict, samples: Samples, tell) -> None:
    """`sides`: name → a function that does the work once and returns what it cost and for how many pictures.

    Each round begins with another side, so that none is always the one behind the heaviest.
    """
    names = list(sides)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if name in samples.out:
                continue
            tell(f"round {number + 1} of {rounds}: {name}")
            try:
                cost, pictures = sides[name]()
            except Failed as e:
                samples.out[name] = str(e)
                continue
            samples.add(name, number, cost, pictures)
