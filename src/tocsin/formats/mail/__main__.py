"""Read one message on standard input, within limits of this process's own, and tell as JSON what it says.

`python -m tocsin.formats.mail CPU_S MEMORY_MB [ENVELOPE_SENDER]`: what goes beyond the limits ends this process and
nobody else. It may write no file and start no process.
"""

from __future__ import annotations

import resource
import sys

from tocsin.formats.mail.message import MOST_BYTES
from tocsin.formats.mail.understanding import told, understand


def main(cpu_s: int, memory_mb: int, envelope_sender: str = "") -> int:
    """Read and tell."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    sys.stdout.buffer.write(told(understand(raw, envelope_sender=envelope_sender)))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
