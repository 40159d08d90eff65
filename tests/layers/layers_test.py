"""The layers hold: an include that the design forbids does not compile, and each third-party library stays inside its folder."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["TIDEMARK_BUILD_DIR"])

# layer -> the layers whose headers it may include, itself apart (docs/architecture.md)
ALLOWED = {
    "daemon": set(),
    "git": set(),
    "parser": set(),
    "sync": {"daemon", "git"},
    "ingest": {"daemon", "git", "parser"},
}
# header of a library -> the folders that may include it
HOMES = {
    "git2.h": {"git"},
    "md4c.h": {"parser"},
    "yaml.h": {"parser"},
    "sqlite3.h": {"ingest/sqlite"},
    "curl/curl.h": {"daemon"},
    "zlib.h": {"git", "daemon"},
    "httplib.h": {"daemon"},
    "prometheus/": {"daemon"},
    "spdlog/": {"daemon"},
    "CLI/": {"daemon"},
    "libssh2.h": {"sync"},
    "uchardet": {"parser"},
}


def sources(layer):
    return sorted(path for path in (REPOSITORY / layer).rglob("*") if path.suffix in (".cpp", ".hpp"))


def compile_command(layer):
    """The command that compiles some file of the layer, without its input and output."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(REPOSITORY / layer) and path.name != "main.cpp":
            words = shlex.split(entry["command"])
            if pathlib.Path(words[0]).name == "ccache":
                words = words[1:]
            out = words.index("-o")
            del words[out:out + 2]
            return [word for word in words if word not in ("-c", entry["file"])]
    raise AssertionError(f"no file of {layer}/ in compile_commands.json")


def compiles(layer, text):
    result = subprocess.run(compile_command(layer) + ["-fsyntax-only", "-x", "c++", "-"], input=text, text=True, cwd=BUILD, capture_output=True)
    return result.returncode == 0


class Layers(unittest.TestCase):
    def test_an_include_of_a_layer_that_is_not_below_does_not_compile(self):
        for layer, allowed in ALLOWED.items():
            for other in ALLOWED:
                header = next(path for path in sources(other) if path.suffix == ".hpp").relative_to(REPOSITORY)
                with self.subTest(layer=layer, header=str(header)):
                    self.assertEqual(compiles(layer, f'#include "{header}"\n'), other in allowed or other == layer)

    def test_third_party_headers_stay_in_their_folders(self):
        include = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
        for layer in ALLOWED:
            for path in sources(layer):
                for header in include.findall(path.read_text()):
                    for library, homes in HOMES.items():
                        if header.startswith(library):
                            folder = str(path.parent.relative_to(REPOSITORY))
                            with self.subTest(file=str(path.relative_to(REPOSITORY)), header=header):
                                self.assertTrue(any(folder == home or folder.startswith(home + "/") for home in homes))

    def test_libgit2_comes_in_through_one_header(self):
        including = [str(path.relative_to(REPOSITORY)) for layer in ALLOWED for path in sources(layer) if "#include <git2" in path.read_text()]
        self.assertEqual(including, ["git/libgit2.hpp"])

    def test_libcurl_comes_in_through_the_folder_that_wraps_it(self):
        including = {path.parent.name for layer in ALLOWED for path in sources(layer) if '#include "daemon/curl.hpp"' in path.read_text()}
        self.assertEqual(including, {"daemon"})


if __name__ == "__main__":
    unittest.main()
