#pragma once
/// Scrape kind: how far a scrape got. A failed scrape is a value, because locating feeds on its kind.

enum tend_scrape_kind {
    TEND_SCRAPE_OK = 0,
    TEND_SCRAPE_RESOLVE,         ///< the host name has no address
    TEND_SCRAPE_REFUSED,         ///< connection refused
    TEND_SCRAPE_CONNECT_TIMEOUT, ///< no answer to the connect
    TEND_SCRAPE_TLS,             ///< handshake or certificate
    TEND_SCRAPE_SEND,            ///< the request could not be sent
    TEND_SCRAPE_READ_TIMEOUT,    ///< connected, but no whole answer in time
    TEND_SCRAPE_CLOSED_EARLY,    ///< the peer closed before the answer was whole
    TEND_SCRAPE_HTTP_STATUS,     ///< an answer, but not 200
    TEND_SCRAPE_TOO_LARGE,       ///< over a limit on bytes, samples or labels
    TEND_SCRAPE_PARSE,           ///< the answer is no well-formed exposition
};

/// "OK", "RESOLVE", "REFUSED" … as in rules (`kinds = { "REFUSED" }`), logs and reports.
const char *tend_scrape_kind_text(enum tend_scrape_kind kind);
/// The kind of a name, or -1.
int tend_scrape_kind_parse(const char *text);
