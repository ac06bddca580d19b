/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to listen: the text of --http and what it means. Pure; looks nothing up.
 */
#ifndef WEIR_HTTP_ADDRESS_H
#define WEIR_HTTP_ADDRESS_H

#include <weir/base.h>

#define WEIR__HTTP_PORT 8080

typedef struct weir__http_address {
    bool off;
    char host[256];  /* without brackets; "127.0.0.1" if the text names none */
    char port[6];
} weir__http_address;

/* "HOST:PORT", "[IPV6]:PORT", "PORT", "HOST" (then port 8080), "off"; NULL: "127.0.0.1:8080". */
weir_status weir__http_address_parse(const char *text, weir__http_address *address,
                                     weir_error *error);

#endif
