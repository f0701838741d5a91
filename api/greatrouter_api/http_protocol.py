"""HTTP as uvicorn reads it, with a limit to a request's head: it has none on httptools."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of a caller without a key, 60 MB of header lines took 470 MB. Browsers send 8 kB at most.
MOST_HEAD_BYTES = 64 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Hangs up on a head that does not end."""

    _in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            # Without the packet that began it, which may hold the end of another request.
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
