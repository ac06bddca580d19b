/* SPDX-License-Identifier: Apache-2.0
 *
 * What a view shows is one time: money moves between accounts, so that all balances add up to zero
 * at every time and at no mixture of two. Read over HTTP ten thousand times while it moves.
 */
#include <json-c/json.h>

#include <weir/connectors/generator.h>
#include <weir/connectors/http.h>
#include <weir/weir.h>

#include "e2e/client.h"

#define TRANSFER(F) F(u64, from) F(u64, to)
#define ACCOUNT(F) F(u64, id)
#define BALANCE(F) F(u64, account) F(i64, amount)
WEIR_RECORD(transfer, TRANSFER)
WEIR_RECORD(account, ACCOUNT)
WEIR_RECORD(balance, BALANCE)

enum { ACCOUNTS = 60, WORKERS = 4, SEED = 5 };

/* Under a sanitizer the same with less. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RATE = 2000, READS = 1000, TIMES = 100 };
#else
enum { RATE = 20000, READS = 10000, TIMES = 1000 };
#endif

/* Always downhill from one of the accounts, so that balances get far from zero. */
static void transfer_of(uint64_t n, weir_out(transfer) out)
{
    transfer_emit(out, (transfer){ .from = n * 7 % ACCOUNTS, .to = n * n % ACCOUNTS });
}
WEIR_GENERATE(transfer_of, transfer)

static account giver(const transfer *t)
{
    return (account){ t->from };
}
static account taker(const transfer *t)
{
    return (account){ t->to };
}
WEIR_MAP(giver, transfer, account)
WEIR_MAP(taker, transfer, account)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(transfer) all = weir_generator(g, transfer, transfer_of, .rate = RATE);
    weir_stream(account) takers = weir_as_collection(weir_map(all, taker));
    weir_stream(account) givers = weir_negate(weir_as_collection(weir_map(all, giver)));
    weir_stream(balance) balances =
        weir_count(weir_concat(takers, givers), balance, WEIR_KEY(account, id));
    weir_view(balances, "balances", WEIR_KEY(balance, account), .retention_ms = 100);
}

/* One request on a connection that stays; the body, with the marks of its chunks. */
static char *ask(int fd, char *room, size_t size)
{
    size_t len = 0;
    client_send(fd, "GET /views/balances HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (char *end = NULL; !end;) {
        size_t got = client_read(fd, room + len, size - len - 1);
        ck_assert_uint_gt(got, 0);
        room[len += got] = '\0';
        if (strstr(room, "Transfer-Encoding: chunked"))
            end = strstr(room, "\r\n0\r\n\r\n");
        else
            end = strstr(room, "}\n"); /* a refusal: not complete yet */
    }
    return room;
}

typedef struct seen {
    unsigned reads, times;
    uint64_t epoch;        /* of the last read */
    bool workers[WORKERS]; /* had rows that are not zero */
} seen;

static unsigned owner(uint64_t id)
{
    weir_key key = { .count = 1, .field = { 0 } };
    balance b = { .account = id };
    uint64_t hash = weir_key_hash(balance_type(), &key, &b, SEED);
    __extension__ typedef unsigned __int128 wide;
    return (unsigned)(((wide)hash * WORKERS) >> 64);
}

/* The answer's rows must add up to zero. */
static void look(const char *text, seen *s)
{
    static char joined[1 << 16];
    size_t len = 0;
    for (const char *at = strstr(text, "\r\n\r\n") + 4; *at != '0';) {
        char *body;
        size_t size = strtoul(at, &body, 16);
        memcpy(joined + len, body + 2, size);
        len += size;
        at = body + 2 + size + 2;
    }
    joined[len] = '\0';
    struct json_object *o = json_tokener_parse(joined), *rows, *epoch;
    ck_assert_msg(o && json_object_object_get_ex(o, "records", &rows) &&
                      json_object_object_get_ex(o, "epoch", &epoch),
                  "no answer: %s", joined);
    int64_t sum = 0;
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        int64_t amount = json_object_get_int64(json_object_object_get(row, "amount"));
        uint64_t id = json_object_get_uint64(json_object_object_get(row, "account"));
        ck_assert_ptr_null(json_object_object_get(row, "_count"));
        if (amount)
            s->workers[owner(id)] = true;
        sum += amount;
    }
    ck_assert_msg(sum == 0, "the balances add up to %lld: %s", (long long)sum, joined);
    uint64_t now = json_object_get_uint64(epoch);
    ck_assert_uint_ge(now, s->epoch);
    s->times += now > s->epoch;
    s->reads++;
    s->epoch = now;
    (void)json_object_put(o);
}

START_TEST(ten_thousand_reads_add_up)
{
    static char room[1 << 17];
    weir_error error = { .status = WEIR_OK };
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS, .hash_seed = SEED };
    weir_http_config http_config = { .struct_size = sizeof http_config, .address = "0" };
    seen s = { 0 };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    weir_status status = weir_runtime_build(runtime, NULL, build, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    weir_http *http = weir_http_start(runtime, &http_config, &error);
    ck_assert_msg(http != NULL, "%s", error.what);
    ck_assert_int_eq(weir_runtime_start(runtime, &error), WEIR_OK);
    int fd = client_connect(weir_http_url(http));
    while (s.reads < READS || s.times < TIMES) {
        ask(fd, room, sizeof room);
        if (strncmp(room, "HTTP/1.1 200", 12) == 0)
            look(room, &s);
    }
    unsigned workers = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        workers += s.workers[w];
    ck_assert_uint_ge(workers, 3);
    (void)close(fd);
    weir_runtime_stop(runtime);
    ck_assert_int_eq(weir_runtime_wait(runtime, &error), WEIR_OK);
    weir_http_stop(http);
    weir_runtime_destroy(runtime);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { ten_thousand_reads_add_up, NULL };
    return test_run(test_suite("consistency", tests));
}
