"""No script here is called as a module of Python is: it would be imported in that one's place, by others' code too."""

import sys
from pathlib import Path

taken = sorted(path.name for path in Path(__file__).parent.rglob("*.py") if path.stem in sys.stdlib_module_names)
if taken:
    sys.exit(f"error: modules of Python have these names: {', '.join(taken)}")
