"""A private network: loopback only, nothing inside is reachable from outside and nothing gets out.

Home Assistant opens UDP 5353 on all interfaces as soon as anything in it makes a web request (its
name resolver joins multicast DNS), whatever address its own server is bound to. In a network
namespace that socket sees nothing but this lab. Sockets made before the move stay outside, which
is how a browser on the machine reaches the demo (`lab.forward`).

As a program: `python -m lab.isolation <command …>` runs a command in such a network, or says why
not and runs it all the same.
"""

import ctypes
import fcntl
import os
from pathlib import Path
import socket
import struct
import sys
from typing import Final

SIOCSIFFLAGS: Final = 0x8914
SIOCADDRT: Final = 0x890B
IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_MULTICAST = 0x1, 0x8, 0x40, 0x1000
RTF_UP: Final = 0x1
LOOPBACK: Final = b"lo"


class _Address(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_ushort),
        ("port", ctypes.c_ushort),
        ("address", ctypes.c_ubyte * 4),
        ("zero", ctypes.c_ubyte * 8),
    )


class _Route(ctypes.Structure):
    """`struct rtentry` of <linux/route.h>."""

    _fields_ = (
        ("pad1", ctypes.c_ulong),
        ("destination", _Address),
        ("gateway", _Address),
        ("mask", _Address),
        ("flags", ctypes.c_ushort),
        ("pad2", ctypes.c_short),
        ("pad3", ctypes.c_ulong),
        ("pad4", ctypes.c_void_p),
        ("metric", ctypes.c_short),
        ("device", ctypes.c_char_p),
        ("mtu", ctypes.c_ulong),
        ("window", ctypes.c_ulong),
        ("irtt", ctypes.c_ushort),
    )


def isolate() -> bool:
    """Move this process into a network of its own; False where the system does not allow it.

    To be called before the process has threads.
    """
    if sys.platform != "linux":
        return False
    for with_user in (False, True):
        if _works(with_user=with_user):
            _enter(with_user=with_user)
            return True
    return False


def _works(*, with_user: bool) -> bool:
    """Try it in a child: a move that fails half way can't be taken back."""
    child = os.fork()
    if child == 0:
        try:
            _enter(with_user=with_user)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter(*, with_user: bool) -> None:
    """Leave the machine's network. Without root it takes a user namespace, in which we stay who we are."""
    if sys.platform != "linux":  # for the type checker
        raise OSError
    user, group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWNET | (os.CLONE_NEWUSER if with_user else 0))
    if with_user:
        process = Path("/proc/self")
        (process / "setgroups").write_text("deny", encoding="ascii")
        (process / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        (process / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_MULTICAST
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH22x", LOOPBACK, flags))
        # without a way for multicast, joining multicast DNS fails, and with it every web request
        fcntl.ioctl(sock, SIOCADDRT, bytes(_multicast_route()))


def _multicast_route() -> _Route:
    """224.0.0.0/4 through the loopback device."""

    def address(*numbers: int) -> _Address:
        return _Address(family=socket.AF_INET, address=(ctypes.c_ubyte * 4)(*numbers))

    return _Route(
        destination=address(224, 0, 0, 0),
        mask=address(240, 0, 0, 0),
        flags=RTF_UP,
        device=LOOPBACK,
    )


def main() -> None:
    """Run a command in a private network."""
    if not isolate():
        print("no private network here: using the machine's own", file=sys.stderr)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
