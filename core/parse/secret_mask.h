#pragma once
/// Secret mask: a log message with what looks like a secret replaced by "<*>", before any of it is kept.
///
/// Masked are: what follows Bearer, Basic and Digest; the values of names like password, token, secret, api_key,
/// cookie, authorization ("password=x", `"password": "x"`, "--password x"); JSON Web Tokens; keys with the prefixes of
/// AWS, GitHub, GitLab, Slack, Stripe, Google and others; e-mail addresses; the user and password of a URL; runs of
/// base64 that are long; numbers of 13 to 19 digits, as on cards. It errs on the side of masking. Any bytes are safe.

#include <stddef.h>

/// @param[out] out  at most @p out_bytes; what does not fit is left out
/// @return bytes written
size_t tend_secret_mask(const char *text, size_t bytes, char *out, size_t out_bytes);
