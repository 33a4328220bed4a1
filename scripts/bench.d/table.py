"""The report: plain lines for people, on the terminal and in a file."""

from statistics import median

from rounds import Samples

MB = 1_000_000


class Report:
    def __init__(self, path):
        self.file = open(path, "w")

    def line(self, text: str = "") -> None:
        text = text.rstrip()
        print(text, flush=True)
        self.file.write(text + "\n")
        self.file.flush()

    def head(self, key: str, title: str, notes=()) -> None:
        self.line()
        self.line(f"== {key} {title}")
        for note in notes:
            self.line(f"   {note}")

    def columns(self) -> None:
        self.line(f"   {'':36}{'images/s':>9}{'CPU ms/image':>14}")

    def side(self, title: str, name: str, samples: Samples, remark: str = "") -> None:
        if not samples.has(name):
            self.line(f"   {title:36}not available: {samples.out.get(name, 'it was not run')}")
            return
        wall, cpu = samples.wall(name), samples.cpu(name)
        self.line(f"   {title:36}{1 / wall:9.2f}{cpu * 1000:14.0f}   {remark}")

    def ratio(self, title: str, slow: str, fast: str, samples: Samples, must=None, goal=None) -> None:
        """How much faster `fast` is than `slow`."""
        if not samples.has(fast) or not samples.has(slow):
            self.line(f"   {title:36}not available")
            return
        wall, cpu = samples.ratios(slow, fast, "wall"), samples.ratios(slow, fast, "cpu")
        text = f"   {title:36}{times(wall)}  {spread(wall):14}{verdict(wall, must, goal):12}"
        # CPU time is what stays right when others keep the machine busy.
        if cpu:
            text += f"CPU {times(cpu)}  {verdict(cpu, must, goal):12}"
        self.line(text + wanted(must, goal))

    def peak(self, name: str, samples: Samples, must: int, goal: int | None) -> None:
        if not samples.has(name):
            return
        peak = samples.peak(name) / MB
        result = "below must" if peak > must else "goal" if goal and peak <= goal else "ok"
        asked = f"(must {must}" + (f", goal {goal}" if goal else "") + ")"
        self.line(f"   {'peak memory':36}{peak:4.0f} MB  {'':14}{result:12}{asked}")

    def of_floor(self, name: str, floor: str, samples: Samples) -> None:
        if not samples.has(name) or not samples.has(floor):
            return
        # The floor cannot be slower than what contains it; a little above 100 % is noise.
        wall = median(1 / r for r in samples.ratios(name, floor, "wall"))
        cpus = [1 / r for r in samples.ratios(name, floor, "cpu")]
        cpu = f", by CPU {median(cpus) * 100:.0f} %" if cpus else ""
        each = f"floor: {samples.wall(floor) * 2000:.0f} ms a picture and core"
        self.line(f"   {'of the floor':36}{wall * 100:4.0f} %{cpu} ({each})")


def times(ratios: list[float]) -> str:
    return f"{median(ratios):5.2f} x"


def spread(ratios: list[float]) -> str:
    return f"({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""


def verdict(ratios: list[float], must, goal) -> str:
    if must is None or not ratios:
        return ""
    found = median(ratios)
    if found < must:
        return "below must"
    return "goal" if goal is not None and found >= goal else "ok"


def wanted(must, goal) -> str:
    if must is None:
        return ""
    return f"(must {must:g}" + (f", goal {goal:g})" if goal is not None else ")")
