"""The sockets that a server listens on: bound before anything else is opened, so that a busy port is said at once."""

import errno
import socket
from collections.abc import Sequence

from greatrouter_api.terminal import CommandFailed


def bind(host: str, port: int) -> list[socket.socket]:
    """Bound and not yet listening, one for each address of `host`; all get the same port. Raises `CommandFailed`."""
    found: list[socket.socket] = []
    absent: OSError | None = None
    try:
        known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(known):
            try:
                found.append(_bound(family, (address[0], found[0].getsockname()[1] if found else port, *address[2:])))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent = error  # such as ::1 of localhost, where IPv6 is switched off
        if not found and absent is not None:
            raise absent
    except (OSError, UnicodeError) as error:
        for listener in found:
            listener.close()
        raise refusal(error, host, port) from error
    return found


def refusal(error: OSError | UnicodeError, host: str, port: int) -> CommandFailed:
    """Why nobody can listen there, and what to do about it."""
    reasons = {
        errno.EADDRINUSE: f"port {port} of {host} is in use by another program; stop it, or choose another --port",
        errno.EACCES: f"port {port} may not be opened by this user; choose a --port above 1023",
        errno.EADDRNOTAVAIL: f"{host} is no address of this machine; --host 127.0.0.1 is this machine alone, "
        "--host 0.0.0.0 all its addresses",
    }
    if isinstance(error, socket.gaierror | UnicodeError):
        return CommandFailed(f"--host {host} is not known; give an address of this machine, such as 127.0.0.1")
    return CommandFailed(reasons.get(error.errno or 0, f"cannot listen on port {port} of {host}: {error.strerror}"))


def url(listeners: Sequence[socket.socket], host: str) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listeners[0].getsockname()[1]}"


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Or a restarted server would wait a minute for the connections of its predecessor to be forgotten.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
