"""What a program says when something is wrong, and small disks that fill up."""

import fcntl
import os
import struct
import subprocess
from contextlib import contextmanager

from .case import EndToEnd
from .environment import UNDER_CI
from .processes import Sync


def complaints(text):
    """The lines at level warning and error, and what main says before there is a log."""
    return [
        line
        for line in text.splitlines()
        if any(word in line.lower() for word in ("warn", "error")) or line.startswith(("tidemark-sync:", "tidemark-ingest:"))
    ]


@contextmanager
def small_disk(test, folder, size, options=""):
    """A tmpfs of that size at the folder; needs root."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "tidemark-test", folder], capture_output=True, text=True)
    if done.returncode:
        if UNDER_CI:
            raise AssertionError(f"mount: {done.stderr}")
        test.skipTest(f"a small file system can't be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def cloning_disk(test, folder, size=160 << 20):
    """A Btrfs at the folder, on which files can share their blocks; needs root, and a kernel that has Btrfs and loop devices."""
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}.image", "wb") as image:
        image.truncate(size)
    for command in (["mkfs.btrfs", "-q", f"{folder}.image"], ["mount", "-t", "btrfs", "-o", "loop", f"{folder}.image", folder]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            test.skipTest(f"there is no file system here that can clone: {' '.join(map(str, command))}: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def shares_blocks(path):
    """The file's extents belong to another one, too (ioctl_fiemap(2))."""
    begin, length, flags, extents = 0, (1 << 64) - 1, 1, 16  # FIEMAP_FLAG_SYNC
    header = struct.Struct("=QQLLLL")
    with open(path, "rb") as file:
        answer = fcntl.ioctl(file, 0xC020660B, header.pack(begin, length, flags, 0, extents, 0) + bytes(56 * extents))
    mapped = header.unpack_from(answer)[3]
    found = [struct.unpack_from("=L", answer, header.size + 56 * number + 40)[0] for number in range(mapped)]
    return bool(found) and all(each & 0x2000 for each in found)  # FIEMAP_EXTENT_SHARED


def grow(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


class BadInput(EndToEnd):
    def one_line(self, text, *needles):
        """Among the complaints there is one line with all the needles (each a word, or several that would do)."""

        def holds(line):
            return all(any(word.lower() in line.lower() for word in ([needle] if isinstance(needle, str) else needle)) for needle in needles)

        lines = [line for line in complaints(text) if holds(line)]
        self.assertTrue(lines, f"no line says {needles}:\n{text[-3000:]}")
        return lines[0]

    def once(self, sync, code, *needles):
        got, said = sync.run()
        self.assertEqual(got, code, said[-3000:])
        self.one_line(said, *needles)
        self.assertLessEqual(len(complaints(said)), 3, said)
        return said

    def other_sync(self, repo, **options):
        folder = self.world.folder / f"other{len(os.listdir(self.world.folder.path))}"
        folder.mkdir()
        return Sync(folder, repo, **{"one_time": True, "http_bind": None, "max_failures": None, **options})
