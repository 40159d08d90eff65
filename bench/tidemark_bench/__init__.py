"""The measures of bench/run; programs, servers and HTTP are those of the end-to-end tests."""
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "e2e"))
