"""The one HTTP client session that every provider of a process shares."""

import aiohttp


def open_session(*, max_connections: int = 1024, keepalive_timeout_s: float = 30.0) -> aiohttp.ClientSession:
    """A pooled session for provider traffic; the caller closes it. Needs a running event loop.

    TCP_NODELAY is on (aiohttp sets it on every connection). No total time limit stands here: each request brings its
    own. Cookies are never kept, so that nothing a provider sets for one organization is sent for another.
    """
    connector = aiohttp.TCPConnector(
        limit=max_connections,
        keepalive_timeout=keepalive_timeout_s,
        ttl_dns_cache=300,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10.0),
        # Content-security headers of hosted gateways pass the default of 8 kB.
        max_field_size=32 * 1024,
    )
