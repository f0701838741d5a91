"""The one HTTP client session that every provider of a process shares."""

import aiohttp


def open_session(*, connections_per_host: int = 1024, keepalive_timeout_s: float = 30.0) -> aiohttp.ClientSession:
    """A pooled session for provider traffic; the caller closes it. Needs a running event loop.

    TCP_NODELAY is on (aiohttp sets it on every connection). No total time limit stands here: each request brings its
    own. Cookies are never kept, so that nothing a provider sets for one organization is sent for another.
    """
    connector = aiohttp.TCPConnector(
        # By host, so that callers who read one provider's answers slowly do not keep the others from being asked.
        limit=0,
        limit_per_host=connections_per_host,
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
