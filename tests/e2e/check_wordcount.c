/* SPDX-License-Identifier: Apache-2.0
 *
 * Word counts by whole processes, held against sort and uniq: from files and from Kafka, on several
 * workers, with input of every awkward kind. The program under test is this one, called with
 * "program" in front.
 */
#include <json-c/json.h>
#include <librdkafka/rdkafka.h>

#include <weir/connectors/file.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/kafka_mock.h>
#include <weir/connectors/main.h>
#include <weir/weir.h>

#include "e2e/process.h"
#include "kafka/c11_threads.h"

/* ---- the program ---- */

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

static void build(weir_graph *g, void *ctx)
{
    const char *const *files;
    size_t count = weir_option_list(g, "file", &files, "file to read");
    const char *topic = weir_option_str(g, "input-topic", "lines", "topic to read, without files");
    const char *to = weir_option_str(g, "to", NULL, "file to write the changes to");
    weir_stream(line) lines;
    (void)ctx;
    if (count)
        lines = weir_file_source(g, line, .paths = files);
    else
        lines = weir_kafka_source(g, line, .topic = topic, .until_end = true);
    weir_stream(word) words = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
    if (to)
        weir_file_sink(counts, .path = to);
}

static bool count_row(const weir_view_row *row, void *ctx)
{
    *(uint64_t *)ctx += row->diff == 1;
    return true;
}

/* What can be read when all is done. */
static void tell_records(weir_main_program *program, void *ctx)
{
    weir_runtime *runtime = weir_main_runtime(program);
    weir_view *view = runtime ? weir_views_find(weir_runtime_views(runtime), "word_counts") : NULL;
    weir_view_reader *reader;
    weir_view_place place = { 0 };
    uint64_t records = 0;
    weir_view_info info;
    (void)ctx;
    if (!view || weir_view_reader_open(view, "test", &reader, NULL) != WEIR_OK)
        return;
    (void)weir_view_reader_scan(reader, &place, 0, count_row, &records);
    weir_view_reader_close(reader);
    weir_view_get_info(view, &info);
    weir_view_release(view);
    fprintf(stderr, "%llu records, of %lld\n", (unsigned long long)records,
            (long long)info.records);
}

static int run_program(int argc, char **argv)
{
    weir_main_config config = { .struct_size = sizeof config, .ended = tell_records };
    return weir_main_with(&config, argc, argv, build, NULL);
}

/* ---- calling it ---- */

static char self[4096];
static process p;
static const unsigned worker_counts[] = { 1, 2, 3, 8 };

/* Adds the changes up: what is there at the end, as sort and uniq -c would write it. */
static const char add_up[] =
    "cat > add_up.py <<'END'\n"
    "import collections, json, sys\n"
    "left = collections.Counter()\n"
    "for line in open(sys.argv[1], encoding='utf-8'):\n"
    "    change = json.loads(line)\n"
    "    left[change['word'], change['count']] += change['diff']\n"
    "rows = [key for key, diff in left.items() if diff != 0]\n"
    "assert all(left[row] == 1 for row in rows)\n"
    "for row in sorted(b'%d %s' % (count, word.encode()) for word, count in rows):\n"
    "    sys.stdout.buffer.write(row + b'\\n')\n"
    "END\n";

/* Writes the counts of the words in the file named to `expected`. */
static void expect_of(const char *file)
{
    ck_assert_int_eq(shell("%s", add_up), 0);
    ck_assert_int_eq(shell("tr -s ' ' '\\n' < %s | grep -v '^$' | LC_ALL=C sort | uniq -c | "
                           "sed 's/^ *//' | LC_ALL=C sort > expected",
                           file),
                     0);
}

static void compare_out(void)
{
    ck_assert_int_eq(shell("python3 add_up.py out > counted && cmp counted expected"), 0);
}

START_TEST(files_are_counted_as_sort_and_uniq_count)
{
    ck_assert_int_eq(shell("cat /usr/share/common-licenses/* > text"), 0);
    expect_of("text");
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(shell("%s program --http off --workers %u --to out --file text", self,
                               worker_counts[i]),
                         0);
        compare_out();
        /* the same text as a pipe, in two, and with a part that is empty */
        ck_assert_int_eq(shell("head -n 1000 text > a; : > b; rm -f pipe; mkfifo pipe; "
                               "tail -n +1001 text > pipe & exec %s program --http off --workers "
                               "%u --to out --file b --file pipe --file a",
                               self, worker_counts[i]),
                         0);
        compare_out();
    }
}
END_TEST

START_TEST(nothing_is_counted_as_nothing)
{
    ck_assert_int_eq(shell(": > empty; printf '   \\n\\n  ' > blank"), 0);
    for (size_t i = 0; i < 4; i++) {
        process_start(&p,
                      "exec %s program --http 0 --workers %u --to out --file empty --file blank",
                      self, worker_counts[i]);
        ck_assert_int_eq(process_wait(&p), 0);
        ck_assert_str_eq(file_text("out"), "");
        ck_assert_ptr_nonnull(strstr(p.text[1], "0 records, of 0\n"));
    }
}
END_TEST

/* As many different words as a release is to bear; a debug build shows the way, and a tenth
 * of it the thread sanitizer. */
#ifdef NDEBUG
#define MANY "10000000"
#elif defined(__SANITIZE_THREAD__)
#define MANY "40000"
#else
#define MANY "400000"
#endif

START_TEST(many_different_words)
{
    ck_assert_int_eq(shell("seq " MANY " > many"), 0);
    for (unsigned workers = 1; workers <= 2; workers++) {
        process_start(&p, "exec %s program --http off --workers %u --file many", self, workers);
        ck_assert_int_eq(process_wait(&p), 0);
        ck_assert_msg(strstr(p.text[1], MANY " records, of " MANY "\n") != NULL, "%s", p.text[1]);
    }
    ck_assert_int_eq(shell("rm many"), 0);
}
END_TEST

/* Asks until the word has this count; then the record. Free the answer. */
static struct json_object *wait_count(const char *url, const char *key, int64_t count)
{
    char path[200];
    (void)snprintf(path, sizeof path, "/views/word_counts?key=%s", key);
    for (;;) {
        answer a = client_get(url, path);
        struct json_object *o = json_tokener_parse(a.body), *records, *record, *value;
        ck_assert_msg(o != NULL, "no JSON: %s", a.body);
        answer_free(&a);
        if (json_object_object_get_ex(o, "records", &records) &&
            (record = json_object_array_get_idx(records, 0)) != NULL) {
            ck_assert(json_object_object_get_ex(record, "count", &value));
            ck_assert_int_le(json_object_get_int64(value), count);
            if (json_object_get_int64(value) == count)
                return o;
        }
        (void)json_object_put(o);
    }
}

/* Bytes that are no text, words of a megabyte, zeros: counted by their bytes, told as JSON. */
START_TEST(words_of_any_bytes)
{
    ck_assert_int_eq(shell("rm -f pipe; mkfifo pipe"), 0);
    process_start(&p, "exec %s program --http 0 --workers 3 --file pipe", self);
    int fd = open("pipe", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    static const char first[] = "\xff\xfe x \xff\xfe\na\0b a\0b a\0b\n";
    ck_assert_int_eq(write(fd, first, sizeof first - 1), sizeof first - 1);
    const char *url = process_url(&p);
    struct json_object *o = wait_count(url, "%FF%FE", 2), *record, *member;
    record = json_object_array_get_idx(json_object_object_get(o, "records"), 0);
    ck_assert(json_object_object_get_ex(record, "word", &member));
    ck_assert_str_eq(json_object_get_string(member), "\xef\xbf\xbd\xef\xbf\xbd");
    (void)json_object_put(o);
    (void)json_object_put(wait_count(url, "a%00b", 3));

    char *text = malloc(1 << 20);
    ck_assert_ptr_nonnull(text);
    memset(text, 'w', (1 << 20) - 1);
    text[(1 << 20) - 1] = '\n';
    for (int i = 0; i < 3; i++)
        for (ssize_t done = 0; done < 1 << 20;) {
            ssize_t wrote = write(fd, text + done, (1 << 20) - (size_t)done);
            ck_assert_int_gt(wrote, 0);
            done += wrote;
        }
    ck_assert_int_eq(write(fd, "end\n", 4), 4);
    (void)json_object_put(wait_count(url, "end", 1));
    answer a = client_get(url, "/views/word_counts");
    text[(1 << 20) - 1] = '\0';
    const char *found = strstr(a.body, text);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(strncmp(found + (1 << 20) - 1, "\",\"count\":3}", 12), 0);
    answer_free(&a);
    free(text);
    (void)close(fd);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[1], "\n5 records, of 5\n"));
}
END_TEST

/* ---- Kafka ---- */

static void produce_lines(const char *brokers, const char *path)
{
    char why[200], text[1 << 16];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ck_assert_int_eq(rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    ck_assert_msg(kafka != NULL, "%s", why);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(text, sizeof text, file)) {
        size_t len = strcspn(text, "\n");
        rd_kafka_resp_err_t code = rd_kafka_producev(
            kafka, RD_KAFKA_V_TOPIC("lines"), RD_KAFKA_V_VALUE(text, len),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK), RD_KAFKA_V_END);
        ck_assert_int_eq(code, RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    (void)fclose(file);
    ck_assert_int_eq(rd_kafka_flush(kafka, PATIENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(kafka);
}

START_TEST(a_topic_is_counted_as_sort_and_uniq_count)
{
    const char *topics[] = { "lines", NULL };
    weir_error error;
    weir_kafka_mock *mock = weir_kafka_mock_start(1, 4, topics, &error);
    ck_assert_ptr_nonnull(mock);
    ck_assert_int_eq(shell("cat /usr/share/common-licenses/* > text"), 0);
    expect_of("text");
    produce_lines(weir_kafka_mock_brokers(mock), "text");
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(shell("exec %s program --http off --workers %u --to out --brokers %s "
                               "--kafka fetch.wait.max.ms=5",
                               self, worker_counts[i], weir_kafka_mock_brokers(mock)),
                         0);
        compare_out();
    }
    weir_kafka_mock_stop(mock);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = { files_are_counted_as_sort_and_uniq_count,
                             nothing_is_counted_as_nothing,
                             many_different_words,
                             words_of_any_bytes,
                             a_topic_is_counted_as_sort_and_uniq_count,
                             NULL };
    if (argc > 1) {
        argv[1] = argv[0];
        return run_program(argc - 1, argv + 1);
    }
    if (!realpath(argv[0], self))
        return 1;
    folder_make();
    int status = test_run(test_suite("wordcount", tests));
    folder_remove();
    return status;
}
