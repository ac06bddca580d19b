/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the text of --http. Host names are looked up by whoever listens.
 */
#include "http/address.h"

#include <stdio.h>
#include <string.h>

static weir_status refuse(weir_error *error, const char *text, const char *why)
{
    weir_error_set(error, WEIR_INVALID, "'%.80s' is no address to listen at: %s", text, why);
    weir_error_hint(error, "write HOST:PORT, as in 127.0.0.1:%d or [::1]:%d, a port alone, or off",
                    WEIR__HTTP_PORT, WEIR__HTTP_PORT);
    return WEIR_INVALID;
}

static bool all_digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A port without leading zeros, at most 65535. */
static bool take_port(const char *text, char port[6])
{
    unsigned value = 0;
    if (!all_digits(text) || strlen(text) > 5 || (text[0] == '0' && text[1]))
        return false;
    for (const char *c = text; *c; c++)
        value = value * 10 + (unsigned)(*c - '0');
    if (value > 65535)
        return false;
    memcpy(port, text, strlen(text) + 1);
    return true;
}

weir_status weir__http_address_parse(const char *text, weir__http_address *address,
                                     weir_error *error)
{
    const char *host = "127.0.0.1", *port = NULL;
    size_t host_len = strlen(host);

    memset(address, 0, sizeof *address);
    if (!text)
        text = "127.0.0.1";
    if (strcmp(text, "off") == 0) {
        address->off = true;
        return WEIR_OK;
    }
    if (all_digits(text)) {
        port = text;
    } else if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (!close || (close[1] != '\0' && close[1] != ':'))
            return refuse(error, text, "the bracket is not closed before the port");
        host = text + 1;
        host_len = (size_t)(close - host);
        port = close[1] ? close + 2 : NULL;
    } else {
        const char *colon = strchr(text, ':');
        if (colon && strchr(colon + 1, ':'))
            return refuse(error, text, "an IPv6 address needs brackets");
        host = text;
        host_len = colon ? (size_t)(colon - text) : strlen(text);
        port = colon ? colon + 1 : NULL;
    }
    if (host_len == 0)
        return refuse(error, text, "it names no host (0.0.0.0 would be all of this machine's)");
    if (host_len >= sizeof address->host || memchr(host, '/', host_len))
        return refuse(error, text, "that is no host");
    memcpy(address->host, host, host_len);
    if (!port)
        (void)snprintf(address->port, sizeof address->port, "%d", WEIR__HTTP_PORT);
    else if (!take_port(port, address->port))
        return refuse(error, text, "the port must be a number from 0 to 65535");
    return WEIR_OK;
}
