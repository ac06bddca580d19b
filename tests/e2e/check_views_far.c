/* SPDX-License-Identifier: Apache-2.0
 *
 * A view over two real processes, read over HTTP in each of them: money moves between accounts, so
 * that all balances add up to zero at every time and at no mixture of two, whichever process has
 * which account. The program under test is this one, called with "program" in front.
 */
#include <json-c/json.h>

#include <weir/connectors/generator.h>
#include <weir/connectors/main.h>
#include <weir/weir.h>


#include "e2e/process.h"

#define TRANSFER(F) F(u64, from) F(u64, to)
#define ACCOUNT(F) F(u64, id)
#define BALANCE(F) F(u64, account) F(i64, amount)
WEIR_RECORD(transfer, TRANSFER)
WEIR_RECORD(account, ACCOUNT)
WEIR_RECORD(balance, BALANCE)

enum { ACCOUNTS = 60, WORKERS = 2, SEED = 5 };

/* Under a sanitizer the same with less. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RATE = 300, READS = 500, TIMES = 50 };
#else
enum { RATE = 20000, READS = 10000, TIMES = 1000 };
#endif

/* ---- the program ---- */

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
    weir_view(balances, "kept", WEIR_KEY(balance, account));
}

static int run_program(int argc, char **argv)
{
    weir_main_config config = { .struct_size = sizeof config, .run = { .hash_seed = SEED } };
    argv[1] = argv[0];
    return weir_main_with(&config, argc - 1, argv + 1, build, NULL);
}

/* ---- two of them ---- */

static char self[4000], urls[2][200];
static process p[2];

static void start(const char *more)
{
    char hosts[2][40];
    for (unsigned i = 0; i < 2; i++)
        test_address(hosts[i], sizeof hosts[i]);
    for (unsigned i = 0; i < 2; i++)
        process_start(&p[i], "exec %s program --workers %d --processes 2 --process %u --hosts "
                      "%s,%s --http 127.0.0.1:0 %s", self, WORKERS, i, hosts[0], hosts[1], more);
    for (unsigned i = 0; i < 2; i++)
        snprintf(urls[i], sizeof urls[i], "%s", process_url(&p[i]));
    for (unsigned i = 0; i < 2; i++)
        (void)process_wait_text(&p[i], 1, "processes are here");
}

static void stop(void)
{
    process_signal(&p[0], SIGTERM);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(process_wait(&p[i]), 0);
}

/* ---- reading ---- */

/* One request on a connection that stays; the status, and the body in room. */
static int ask(int fd, const char *path, char *room, size_t size)
{
    char head[500];
    int status;
    size_t len = 0, body = 0;
    bool chunked = false;
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    client_send(fd, head);
    for (char *end = NULL; !end;) {
        size_t got = client_read(fd, room + len, size - len - 1);
        ck_assert_uint_gt(got, 0);
        room[len += got] = '\0';
        chunked = strstr(room, "Transfer-Encoding: chunked");
        end = strstr(room, chunked ? "\r\n0\r\n\r\n" : "}\n");
    }
    ck_assert_int_eq(sscanf(room, "HTTP/1.1 %d", &status), 1);
    const char *at = strstr(room, "\r\n\r\n") + 4;
    while (chunked && *at != '0') { /* takes the marks of chunks out */
        char *chunk;
        size_t bytes = strtoul(at, &chunk, 16);
        memmove(room + body, chunk + 2, bytes);
        body += bytes;
        at = chunk + 2 + bytes + 2;
    }
    if (chunked)
        room[body] = '\0';
    return status;
}

static struct json_object *parse(const char *text)
{
    struct json_object *o = json_tokener_parse(text);
    ck_assert_msg(o != NULL, "no answer: %s", text);
    return o;
}

static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *value = json_object_object_get(o, name);
    ck_assert_msg(value != NULL, "no %s in: %s", name, json_object_to_json_string(o));
    return value;
}

typedef struct seen {
    unsigned reads, times;
    uint64_t epoch;            /* of the last read */
    bool workers[2 * WORKERS]; /* had rows that are not zero */
} seen;

static unsigned owner(uint64_t id)
{
    weir_key key = { .count = 1, .field = { 0 } };
    balance b = { .account = id };
    uint64_t hash = weir_key_hash(balance_type(), &key, &b, SEED);
    __extension__ typedef unsigned __int128 wide;
    return (unsigned)(((wide)hash * 2 * WORKERS) >> 64);
}

/* The answer's rows must add up to zero. */
static void look(const char *text, seen *s)
{
    struct json_object *o = parse(text), *rows = member(o, "records");
    int64_t sum = 0;
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        int64_t amount = json_object_get_int64(member(row, "amount"));
        ck_assert_ptr_null(json_object_object_get(row, "_count"));
        if (amount)
            s->workers[owner(json_object_get_uint64(member(row, "account")))] = true;
        sum += amount;
    }
    ck_assert_msg(sum == 0, "the balances add up to %lld: %s", (long long)sum, text);
    uint64_t now = json_object_get_uint64(member(o, "epoch"));
    ck_assert_uint_ge(now, s->epoch);
    s->times += now > s->epoch;
    s->reads++;
    s->epoch = now;
    (void)json_object_put(o);
}

/* Every other read in the other process: time goes on in both, and never back. */
START_TEST(ten_thousand_reads_add_up)
{
    static char room[1 << 17];
    seen s = { 0 };
    start("");
    int fds[2] = { client_connect(urls[0]), client_connect(urls[1]) };
    for (unsigned n = 0; s.reads < READS || s.times < TIMES; n++) {
        int status = ask(fds[n % 2], "/views/balances", room, sizeof room);
        if (status == 200) {
            look(room, &s);
            continue;
        }
        /* not complete yet; or the machine has stood still */
        ck_assert_msg(status == 503 && (s.reads == 0 || strstr(room, "has not answered in")), "%s",
                      room);
    }
    for (unsigned w = 0; w < 2 * WORKERS; w++)
        ck_assert(s.workers[w]);
    (void)close(fds[0]);
    (void)close(fds[1]);
    stop();
}
END_TEST

/* And until most accounts have moved, so that rows are where they are looked for. */
static void wait_until_it_can_be_read(void)
{
    static char room[1 << 17];
    for (unsigned i = 0; i < 2; i++) {
        int fd = client_connect(urls[i]);
        size_t rows = 0;
        while (rows < ACCOUNTS * 3 / 4) {
            if (ask(fd, "/views/balances?limit=1000", room, sizeof room) != 200)
                continue;
            struct json_object *o = parse(room);
            rows = json_object_array_length(member(o, "records"));
            (void)json_object_put(o);
        }
        (void)close(fd);
    }
}

START_TEST(a_key_is_looked_up_in_the_other_process)
{
    static char room[1 << 17];
    start("");
    wait_until_it_can_be_read();
    for (unsigned i = 0; i < 2; i++) {
        int fd = client_connect(urls[i]);
        unsigned there = 0;
        for (uint64_t id = 0; id < ACCOUNTS; id++) {
            char path[100];
            snprintf(path, sizeof path, "/views/balances?key=%llu", (unsigned long long)id);
            ck_assert_int_eq(ask(fd, path, room, sizeof room), 200);
            struct json_object *o = parse(room), *rows = member(o, "records");
            ck_assert_uint_le(json_object_array_length(rows), 1);
            if (json_object_array_length(rows) == 1) {
                struct json_object *row = json_object_array_get_idx(rows, 0);
                ck_assert_uint_eq(json_object_get_uint64(member(row, "account")), id);
                there += owner(id) / WORKERS != i;
            }
            (void)json_object_put(o);
        }
        ck_assert_uint_gt(there, ACCOUNTS / 4);
        (void)close(fd);
    }
    stop();
}
END_TEST

/* Pages of one scan are of different times; but every account is in one of them. They are asked for
 * in one process and the other by turns. */
START_TEST(a_scan_goes_on_in_the_other_process)
{
    static char room[1 << 17];
    bool found[ACCOUNTS] = { false };
    char path[200] = "/views/balances?limit=7";
    unsigned pages = 0;
    start("");
    wait_until_it_can_be_read();
    int fds[2] = { client_connect(urls[0]), client_connect(urls[1]) };
    for (bool more = true; more; pages++) {
        ck_assert_int_eq(ask(fds[pages % 2], path, room, sizeof room), 200);
        struct json_object *o = parse(room), *rows = member(o, "records");
        size_t count = json_object_array_length(rows);
        for (size_t i = 0; i < count; i++)
            found[json_object_get_uint64(member(json_object_array_get_idx(rows, i), "account"))] =
                true;
        struct json_object *next = json_object_object_get(o, "next");
        more = next != NULL;
        ck_assert(count == 7 || !more);
        if (more)
            snprintf(path, sizeof path, "/views/balances?limit=7&after=%s",
                     json_object_get_string(next));
        (void)json_object_put(o);
    }
    ck_assert_uint_ge(pages, 5);
    unsigned accounts[2] = { 0, 0 };
    for (uint64_t id = 0; id < ACCOUNTS; id++)
        accounts[owner(id) / WORKERS] += found[id];
    ck_assert_uint_gt(accounts[0], ACCOUNTS / 4);
    ck_assert_uint_gt(accounts[1], ACCOUNTS / 4);
    (void)close(fds[0]);
    (void)close(fds[1]);
    stop();
}
END_TEST

/* ---- following ---- */

typedef struct follower {
    int fd;
    char text[1 << 18];
    size_t len, at;
} follower;

static void follow(follower *f, const char *url, const char *path, const char *id)
{
    char head[500];
    *f = (follower){ .fd = client_connect(url) };
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n\r\n", path,
             *id ? "Last-Event-ID: " : "X-None: 1", id);
    client_send(f->fd, head);
}

/* The next event's data, of what comes in chunks that end where they like. */
static struct json_object *next_event(follower *f, char *id)
{
    static char data[1 << 17];
    for (;;) {
        char *from = strstr(f->text + f->at, "data: "), *end = from ? strstr(from, "\n\n") : NULL;
        if (end) {
            const char *mark = strstr(f->text + f->at, "id: ");
            size_t size = 0;
            id[0] = '\0';
            for (; mark && mark < end; mark = strstr(mark + 1, "id: ")) /* some have no event */
                (void)sscanf(mark, "id: %60s", id);
            for (const char *c = from + 6; c < end; c++) { /* marks of chunks lie within it */
                size_t skip = strspn(c + 2, "0123456789abcdefABCDEF");
                if (c[0] == '\r' && c[1] == '\n' && skip && c[2 + skip] == '\r')
                    c += 3 + skip;
                else
                    data[size++] = *c;
            }
            data[size] = '\0';
            f->at = (size_t)(end - f->text);
            return parse(data);
        }
        if (f->at > sizeof f->text / 2) {
            f->len -= f->at;
            memmove(f->text, f->text + f->at, f->len + 1);
            f->at = 0;
        }
        size_t got = client_read(f->fd, f->text + f->len, sizeof f->text - f->len - 1);
        ck_assert_uint_gt(got, 0);
        f->text[f->len += got] = '\0';
    }
}

typedef struct followed {
    int64_t balances[ACCOUNTS];
    bool workers[2 * WORKERS]; /* had changes */
    uint64_t epoch;
    char id[64];
} followed;

static void add_row(followed *all, struct json_object *row, int64_t diff)
{
    uint64_t of = json_object_get_uint64(member(row, "account"));
    all->balances[of] += diff * json_object_get_int64(member(row, "amount"));
}

/* A piece of the state, or the changes of a later epoch; with the last piece, and after each epoch,
 * all balances add up to zero. */
static void take_event(followed *all, struct json_object *o)
{
    struct json_object *rows, *changes;
    uint64_t now = json_object_get_uint64(member(o, "epoch"));
    int64_t sum = 0;
    if (json_object_object_get_ex(o, "records", &rows)) {
        for (size_t i = 0; i < json_object_array_length(rows); i++)
            add_row(all, json_object_array_get_idx(rows, i), 1);
    } else {
        ck_assert_msg(json_object_object_get_ex(o, "changes", &changes), "%s",
                      json_object_to_json_string(o));
        ck_assert_uint_gt(now, all->epoch);
        for (size_t i = 0; i < json_object_array_length(changes); i++) {
            struct json_object *change = json_object_array_get_idx(changes, i);
            struct json_object *row = member(change, "record");
            add_row(all, row, json_object_get_int64(member(change, "diff")));
            all->workers[owner(json_object_get_uint64(member(row, "account")))] = true;
        }
    }
    all->epoch = now;
    for (unsigned i = 0; i < ACCOUNTS && all->id[0]; i++)
        sum += all->balances[i];
    ck_assert_int_eq(sum, 0);
}

/* Followed in one process, then in the other where that left off. */
START_TEST(a_stream_tells_what_changes_everywhere)
{
    static follower f;
    followed all = { .epoch = 0 };
    char id[64] = "";
    start("");
    wait_until_it_can_be_read();
    for (unsigned i = 0; i < 4; i++) {
        follow(&f, urls[i % 2], i ? "/views/kept/events" : "/views/kept/events?snapshot=1", id);
        for (unsigned events = 0; events < 80; events++) {
            struct json_object *o = next_event(&f, all.id);
            take_event(&all, o);
            (void)json_object_put(o);
        }
        memcpy(id, all.id, sizeof id);
        (void)close(f.fd);
    }
    for (unsigned w = 0; w < 2 * WORKERS; w++)
        ck_assert(all.workers[w]);
    stop();
}
END_TEST

/* ---- a process that does not answer ---- */

START_TEST(a_frozen_process_is_named)
{
    static char room[1 << 17];
    start("--silence-seconds 60");
    wait_until_it_can_be_read();
    ck_assert_int_eq(kill(p[1].pid, SIGSTOP), 0);
    int fd = client_connect(urls[0]);
    ck_assert_int_eq(ask(fd, "/views/balances", room, sizeof room), 503);
    ck_assert_msg(strstr(room, "process 1 has not answered in ") != NULL, "%s", room);
    ck_assert_int_eq(ask(fd, "/healthz", room, sizeof room), 200);
    (void)close(fd);
    ck_assert_int_eq(kill(p[1].pid, SIGCONT), 0);
    wait_until_it_can_be_read();
    stop();
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "program") == 0)
        return run_program(argc, argv);
    if (!realpath(argv[0], self))
        return 1;
    const TTest *tests[] = {
        ten_thousand_reads_add_up,
        a_key_is_looked_up_in_the_other_process,
        a_scan_goes_on_in_the_other_process,
        a_stream_tells_what_changes_everywhere,
        a_frozen_process_is_named,
        NULL,
    };
    return test_run(test_suite("views_far", tests));
}
