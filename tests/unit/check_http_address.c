/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of --http.
 */
#include <string.h>

#include "http/address.h"
#include "support.h"

static weir__http_address address;
static weir_error error;

START_TEST(every_form_is_read)
{
    static const struct {
        const char *text, *host, *port;
    } good[] = {
        { NULL, "127.0.0.1", "8080" },        { "0", "127.0.0.1", "0" },
        { "9000", "127.0.0.1", "9000" },      { "65535", "127.0.0.1", "65535" },
        { "localhost", "localhost", "8080" }, { "0.0.0.0:80", "0.0.0.0", "80" },
        { "[::1]:8081", "::1", "8081" },      { "[::]", "::", "8080" },
        { "a-host.example:1", "a-host.example", "1" },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(weir__http_address_parse(good[i].text, &address, &error), WEIR_OK);
        ck_assert_str_eq(address.host, good[i].host);
        ck_assert_str_eq(address.port, good[i].port);
        ck_assert(!address.off);
    }
    ck_assert_int_eq(weir__http_address_parse("off", &address, &error), WEIR_OK);
    ck_assert(address.off);
}
END_TEST

START_TEST(anything_else_is_refused_with_a_sentence)
{
    static const char *const bad[] = { "", ":8080", "host:", "host:65536", "host:x", "host:-1",
                                       "65536", "00080", "host:080", "::1", "::1:80", "[::1",
                                       "[::1]80", "[]:80", "[::1]:", "http:/x:80", "99999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(weir__http_address_parse(bad[i], &address, &error) == WEIR_INVALID,
                      "'%s' was taken", bad[i]);
        ck_assert_ptr_nonnull(strstr(error.what, "is no address to listen at"));
        ck_assert_ptr_nonnull(strstr(error.hint, "HOST:PORT"));
    }
    char longer[400];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(weir__http_address_parse(longer, &address, NULL), WEIR_INVALID);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { every_form_is_read, anything_else_is_refused_with_a_sentence, NULL };
    return test_run(test_suite("http_address", tests));
}
