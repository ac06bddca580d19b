/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings for librdkafka: where they come from, which wins, that secrets are read and not told.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/memory.h>
#include <weir/worker.h>

#include "kafka/settings.h"
#include "support.h"

static weir_error error;

static weir_status read_one(weir__kafka_settings *s, const char *text)
{
    error = (weir_error){ 0 };
    return weir__kafka_settings_read(s, text, "--kafka", &error);
}

START_TEST(reads_texts)
{
    weir__kafka_settings s = { 0 };
    ck_assert_int_eq(read_one(&s, "linger.ms=5"), WEIR_OK);
    ck_assert_int_eq(read_one(&s, "sasl.password=a=b"), WEIR_OK);
    ck_assert_int_eq(read_one(&s, "linger.ms=7"), WEIR_OK);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_str_eq(weir__kafka_settings_get(&s, "linger.ms"), "7");
    ck_assert_str_eq(weir__kafka_settings_get(&s, "sasl.password"), "a=b");
    ck_assert_ptr_null(weir__kafka_settings_get(&s, "linger"));
    ck_assert_str_eq(s.list[0].origin, "--kafka linger.ms");
    ck_assert(!s.list[0].secret);
    ck_assert(s.list[1].secret);
    weir__kafka_settings_fini(&s);
    ck_assert_uint_eq(weir_memory_used(), 0);
}
END_TEST

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    fclose(file);
}

START_TEST(reads_files)
{
    static const struct {
        const char *text;
        size_t len;
        const char *value; /* NULL: refused */
    } files[] = {
        { "pass\n", 5, "pass" },  { "pass\r\n", 6, "pass" }, { "pass", 4, "pass" },
        { "a\nb\n\n", 5, "a\nb\n" }, { "", 0, "" },          { "a\0b", 3, NULL },
    };
    char path[] = "kafka-secret-XXXXXX", setting[64];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(setting, sizeof setting, "linger.ms=@%s", path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        weir__kafka_settings s = { 0 };
        write_file(path, files[i].text, files[i].len);
        weir_status status = read_one(&s, setting);
        if (files[i].value) {
            ck_assert_int_eq(status, WEIR_OK);
            ck_assert_str_eq(weir__kafka_settings_get(&s, "linger.ms"), files[i].value);
            ck_assert(s.list[0].secret);
        } else {
            ck_assert_int_eq(status, WEIR_BAD_DATA);
        }
        weir__kafka_settings_fini(&s);
    }
    weir__kafka_settings s = { 0 };
    char *big = calloc(1, 70000);
    memset(big, 'a', 70000);
    write_file(path, big, 65536);
    ck_assert_int_eq(read_one(&s, setting), WEIR_OK);
    write_file(path, big, 65537);
    ck_assert_int_eq(read_one(&s, setting), WEIR_TOO_LARGE);
    free(big);
    unlink(path);
    ck_assert_int_eq(read_one(&s, setting), WEIR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.what, "--kafka linger.ms: the file kafka-secret-"));
    ck_assert_int_eq(read_one(&s, "linger.ms=@."), WEIR_IO);
    weir__kafka_settings_fini(&s);
}
END_TEST

START_TEST(reads_the_environment)
{
    weir__kafka_settings s = { 0 };
    setenv("WEIR_TEST_SECRET", "hush", 1);
    ck_assert_int_eq(read_one(&s, "sasl.username=env:WEIR_TEST_SECRET"), WEIR_OK);
    ck_assert_str_eq(weir__kafka_settings_get(&s, "sasl.username"), "hush");
    ck_assert(s.list[0].secret);
    unsetenv("WEIR_TEST_SECRET");
    ck_assert_int_eq(read_one(&s, "sasl.username=env:WEIR_TEST_SECRET"), WEIR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.what, "WEIR_TEST_SECRET is not set"));
    weir__kafka_settings_fini(&s);
}
END_TEST

START_TEST(refuses_what_is_no_setting)
{
    weir__kafka_settings s = { 0 };
    ck_assert_int_eq(read_one(&s, "my-secret-password"), WEIR_INVALID);
    ck_assert_ptr_null(strstr(error.what, "my-secret")); /* it may be one */
    ck_assert_int_eq(read_one(&s, "=x"), WEIR_INVALID);
    ck_assert_int_eq(read_one(&s, "bootstrap.servers=a"), WEIR_INVALID);
    ck_assert_int_eq(read_one(&s, "metadata.broker.list=a"), WEIR_INVALID);
    ck_assert_uint_eq(s.count, 0);
    weir__kafka_settings_fini(&s);
}
END_TEST

/* ---- from a graph ---- */

typedef struct wanted {
    weir__kafka_wanted wanted;
    weir__kafka_settings settings;
    weir_status status;
    weir_error error;
} wanted;

static void build(weir_graph *g, void *ctx)
{
    wanted *w = ctx;
    w->status = weir__kafka_settings_collect(g, &w->wanted, &w->settings, &w->error);
}

static void collect(wanted *w, const weir_setting *settings, size_t count)
{
    weir_config config = { .struct_size = sizeof config, .settings = settings,
                           .setting_count = count };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, w, NULL), WEIR_OK);
    weir_runtime_destroy(runtime);
}

START_TEST(later_ones_win)
{
    wanted w = { 0 };
    collect(&w, NULL, 0);
    ck_assert_int_eq(w.status, WEIR_OK);
    ck_assert_str_eq(weir__kafka_settings_get(&w.settings, "bootstrap.servers"),
                     "localhost:9092");
    weir__kafka_settings_fini(&w.settings);

    static const weir_setting flags[] = { { "brokers", "a:1", "--brokers" },
                                          { "kafka", "linger.ms=1", "--kafka" },
                                          { "kafka", "linger.ms=2", "--kafka" } };
    w.wanted.settings = (const char *const[]){ "linger.ms=9", "client.id=me", NULL };
    collect(&w, flags, 3);
    ck_assert_str_eq(weir__kafka_settings_get(&w.settings, "bootstrap.servers"), "a:1");
    ck_assert_str_eq(weir__kafka_settings_get(&w.settings, "linger.ms"), "2");
    ck_assert_str_eq(weir__kafka_settings_get(&w.settings, "client.id"), "me");
    weir__kafka_settings_fini(&w.settings);

    w.wanted.brokers = "b:2";
    collect(&w, flags, 3);
    ck_assert_str_eq(weir__kafka_settings_get(&w.settings, "bootstrap.servers"), "b:2");
    weir__kafka_settings_fini(&w.settings);

    w.wanted.settings = (const char *const[]){ "linger.ms", NULL };
    collect(&w, flags, 3);
    ck_assert_int_eq(w.status, WEIR_INVALID);
    ck_assert_uint_eq(w.settings.count, 0);
}
END_TEST

int main(void)
{
    return test_run(test_suite("kafka_settings", (const TTest *const[]){
        reads_texts, reads_files, reads_the_environment, refuses_what_is_no_setting,
        later_ones_win, NULL }));
}
