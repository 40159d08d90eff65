#!/usr/bin/env python3
"""README.md against the things it speaks of: the flags' tables are what the programs print, the files it links to exist.

    readme_test.py BUILD-DIRECTORY           compares
    readme_test.py BUILD-DIRECTORY --write   puts the programs' tables into README.md
"""
import pathlib
import re
import subprocess
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
README = TOP / "README.md"
PROGRAMS = ("tidemark-sync", "tidemark-ingest")


def table(build, program):
    return subprocess.run([build / program, "--help=markdown"], check=True, capture_output=True, text=True).stdout.strip()


def section(program):
    """What stands between the two marks of a program's table."""
    return re.compile(rf"(?<=<!-- {program} --help=markdown -->\n).*?(?=<!-- end -->)", re.DOTALL)


class ReadmeTest(unittest.TestCase):
    build = None

    def test_the_flags_are_those_of_the_programs(self):
        for program in PROGRAMS:
            with self.subTest(program):
                found = section(program).search(README.read_text())
                self.assertIsNotNone(found, f"README.md has no marks for {program}")
                self.assertEqual(found[0].splitlines(), table(self.build, program).splitlines(), f"to mend it: {sys.argv[0]} {self.build} --write")

    def test_the_files_it_links_to_exist(self):
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text())
        self.assertTrue(targets)
        self.assertEqual([target for target in targets if not (TOP / target).exists()], [])

    def test_the_scripts_it_names_exist(self):
        names = set(re.findall(r"\bscript/[a-z-]+", README.read_text()))
        self.assertTrue(names)
        self.assertEqual([name for name in sorted(names) if not (TOP / name).exists()], [])


def write(build):
    text = README.read_text()
    for program in PROGRAMS:
        new = table(build, program) + "\n"
        text = section(program).sub(lambda _: new, text, count=1)
    README.write_text(text)


if __name__ == "__main__":
    ReadmeTest.build = pathlib.Path(sys.argv.pop(1)).resolve()
    if sys.argv[1:] == ["--write"]:
        write(ReadmeTest.build)
    else:
        unittest.main()
