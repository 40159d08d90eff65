"""What Linux tells about another process: its CPU clock, its memory, its system calls; and memory limits for it."""
import os
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path


def cpu_seconds(pid):
    """Of all its threads, ended ones too, in nanoseconds' resolution (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def wait_for_end(pid, seconds):
    """Of a child, noticed at once: Popen.wait(timeout) looks every 50 ms."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(seconds * 1_000):
            raise TimeoutError(f"process {pid} has not ended after {seconds} s")
    finally:
        os.close(descriptor)


def memory_kib(pid, field):
    found = re.search(rf"^{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found.group(1)) if found else 0


class MemorySampler:
    """The most anonymous memory that was seen, looked at every 10 ms; VmHWM is the kernel's own record. Looking costs little: it is done on the processors
    that are measured."""

    PAGE = os.sysconf("SC_PAGESIZE") >> 10

    def __init__(self, pids):
        self.pids, self.anonymous, self.peak = pids, dict.fromkeys(pids, 0), dict.fromkeys(pids, 0)
        self.statm = {pid: open(f"/proc/{pid}/statm", "rb", buffering=0) for pid in pids}
        self.ended = False
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        for file in self.statm.values():
            file.close()

    def run(self):
        while not self.ended:
            self.look()
            time.sleep(0.01)
        for pid in self.pids:
            try:
                self.peak[pid] = memory_kib(pid, "VmHWM")
            except (FileNotFoundError, ProcessLookupError):
                pass

    def look(self):
        for pid, file in self.statm.items():
            try:
                _, resident, shared, *_ = os.pread(file.fileno(), 128, 0).split()
            except ProcessLookupError:
                continue
            self.anonymous[pid] = max(self.anonymous[pid], (int(resident) - int(shared)) * self.PAGE)


def system_calls(pid, seconds):
    """How many a process makes in that time; None where strace is missing or may not attach."""
    try:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        return None
    try:
        _, summary = tracer.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        tracer.send_signal(signal.SIGINT)
        _, summary = tracer.communicate()
    total = re.search(r"^\s*100\.00\s+\S+\s+\S*\s+(\d+)\s.*total", summary, re.M)
    return int(total.group(1)) if total else None


class MemoryLimit:
    """A memory control group below our own, version 2 or 1. `wrapper` starts a command inside it."""

    def __init__(self, name, limit_bytes):
        own = dict((line.split(":")[1], line.strip().split(":", 2)[2]) for line in open("/proc/self/cgroup"))
        if "memory" in own:
            self.path, limit, swap = Path("/sys/fs/cgroup/memory" + own["memory"]) / name, "memory.limit_in_bytes", None
        else:
            self.path, limit, swap = Path("/sys/fs/cgroup" + own[""]) / name, "memory.max", "memory.swap.max"
        self.path.mkdir()
        try:
            (self.path / limit).write_text(str(limit_bytes))
            if swap and (self.path / swap).exists():
                (self.path / swap).write_text("0")
        except OSError:
            self.close()
            raise
        self.wrapper = ["sh", "-c", f'echo $$ > "{self.path}/cgroup.procs" && exec "$@"', "sh"]

    def close(self):
        os.rmdir(self.path)
