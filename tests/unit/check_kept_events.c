/* SPDX-License-Identifier: Apache-2.0
 *
 * Captured events kept in files and on a Kafka topic, and replayed by other numbers of workers;
 * files that are damaged, cut off, missing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/connectors/file.h>
#include <weir/connectors/kafka_simulated.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, i) F(str, name)
WEIR_RECORD(item, ITEM)

enum { COUNT = 3000, EPOCHS = 17 };

static const char text[] = "a text that begins with names of many lengths, some long";
static char folder[] = "kept-events-XXXXXX", path[100];
static weir_kafka_broker *broker;
static weir_captured *seen;

static weir_time spread(const item *i, weir_time now)
{
    now.at[0] += i->i * 7 % EPOCHS;
    return now;
}
WEIR_DELAY(spread, item)

static weir_stream(item) items(weir_graph *g)
{
    static item all[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        all[i] = (item){ i, weir_str_view(text, i % 50) };
    return weir_delay(weir_to_stream(g, item, all, COUNT), spread);
}

static void to_file(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_file_event_sink(weir_capture_events(items(g)), .path = path);
}
static void from_file(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_capture(weir_replay(weir_file_event_source(g, .path = path), item), seen);
}
static void to_topic(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_kafka_sink(weir_capture_events(items(g)), .topic = "events", .broker = broker,
                    .partition_field = "part", .codec = WEIR_CODEC_MSGPACK);
}
static void from_topic(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_captured_event) e =
        weir_kafka_source(g, weir_captured_event, .topic = "events", .broker = broker,
                          .until_end = true, .codec = WEIR_CODEC_MSGPACK);
    weir_capture(weir_replay(e, item), seen);
}

static weir_status run(weir_build_fn *build, unsigned workers, weir_error *error)
{
    weir_config config = { .struct_size = sizeof config, .workers = workers,
                           .batch_bytes = 2000 };
    *error = (weir_error){ .status = WEIR_OK };
    return weir_run(&config, build, NULL, error);
}

/* Every record once, at its time. */
static void ck_seen(void)
{
    static bool there[COUNT];
    size_t count = 0;
    memset(there, 0, sizeof there);
    for (unsigned w = 0; w < weir_captured_workers(seen); w++)
        for (size_t k = 0; k < weir_captured_count(seen, w); k++, count++) {
            weir_capture_entry e = weir_captured_at(seen, w, k);
            const item *r = e.record;
            weir_str name = weir_str_view(text, r->i % 50);
            ck_assert(!there[r->i]);
            there[r->i] = true;
            ck_assert_uint_eq(e.time.at[0], r->i * 7 % EPOCHS);
            ck_assert(weir_str_equal(&r->name, &name));
        }
    ck_assert_uint_eq(count, COUNT);
}

static void ck_kept(weir_build_fn *to, weir_build_fn *from, unsigned workers, unsigned others)
{
    weir_error error;
    ck_assert_msg(run(to, workers, &error) == WEIR_OK, "%s", error.what);
    seen = weir_captured_create();
    ck_assert_msg(run(from, others, &error) == WEIR_OK, "%s", error.what);
    ck_seen();
    weir_captured_destroy(seen);
}

START_TEST(in_files)
{
    for (unsigned k = 0; k < 9; k++)
        ck_kept(to_file, from_file, 3 - k / 3, 1 + k % 3);
}
END_TEST

START_TEST(on_a_topic)
{
    for (unsigned k = 0; k < 9; k++) {
        broker = weir_kafka_simulated_create();
        weir_kafka_simulated_topic(broker, "events", 3);
        ck_kept(to_topic, from_topic, 1 + k / 3, 1 + k % 3);
        weir_kafka_simulated_destroy(broker);
    }
}
END_TEST

/* ---- files that are not what they should be ---- */

static const char *part_path(unsigned part)
{
    static char name[120];
    (void)snprintf(name, sizeof name, "%s.%u", path, part);
    return name;
}

static void ck_replay_fails(weir_status status, const char *what)
{
    weir_error error;
    seen = weir_captured_create();
    ck_assert_int_eq(run(from_file, 2, &error), status);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
    weir_captured_destroy(seen);
}

static void write_at(unsigned part, off_t at, char byte)
{
    int fd = open(part_path(part), O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    ck_assert_int_eq(close(fd), 0);
}

static off_t size_of(unsigned part)
{
    int fd = open(part_path(part), O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    ck_assert_int_eq(close(fd), 0);
    return size;
}

START_TEST(damaged_files)
{
    weir_error error;
    char expected[200];
    ck_assert_int_eq(run(to_file, 2, &error), WEIR_OK);
    write_at(1, 8 + 24 + 3, '\377'); /* in the first event's payload */
    (void)snprintf(expected, sizeof expected, "'%s' is damaged at offset 8: an event's checksum",
                   part_path(1));
    ck_replay_fails(WEIR_BAD_DATA, expected);
    write_at(1, 3, 'x');
    ck_replay_fails(WEIR_BAD_DATA, "is damaged at offset 0: it is no file of events");
    ck_assert_int_eq(run(to_file, 2, &error), WEIR_OK);
    ck_assert_int_eq(truncate(part_path(0), size_of(0) - 5), 0);
    ck_replay_fails(WEIR_BAD_DATA, "it ends in the middle of an event");
    ck_assert_int_eq(run(to_file, 2, &error), WEIR_OK);
    write_at(0, 8 + 3, '\177'); /* a size of two gigabytes */
    ck_replay_fails(WEIR_BAD_DATA, "is damaged at offset 8: it ends in the middle of an event");
    ck_assert_int_eq(truncate(part_path(0), 8), 0);
    ck_replay_fails(WEIR_BAD_DATA, "part 0 of 2 has no last event");
    ck_assert_int_eq(unlink(part_path(0)), 0);
    ck_replay_fails(WEIR_NOT_FOUND, "cannot be read");
}
END_TEST

static void to_nowhere(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_file_event_sink(weir_capture_events(items(g)), .path = "no/such/folder/events");
}
static void to_no_name(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_file_event_sink(weir_capture_events(items(g)), .name = "sink");
    ck_assert_ptr_null(weir_file_event_source_add(g, &(weir_file_event_options){ 0 }));
    weir_file_event_sink_add(NULL, &(weir_file_event_options){ 0 });
}

static void in_place(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_file_event_sink(weir_file_event_source(g, .path = path), .path = path);
}
static void back_again(weir_graph *g, void *ctx)
{
    to_file(g, ctx);
    ck_assert_ptr_null(weir_file_event_source(g, .path = path).port);
}

/* What is read would be emptied. */
START_TEST(read_and_written)
{
    weir_error error;
    ck_assert_int_eq(run(to_file, 2, &error), WEIR_OK);
    off_t size = size_of(1);
    ck_assert_int_eq(unlink(part_path(0)), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(run(in_place, 2, &error), WEIR_INVALID);
        ck_assert_msg(strstr(error.what, ".0' is read here, too") != NULL, "%s", error.what);
        ck_assert_int_eq(run(back_again, 2, &error), WEIR_INVALID);
        ck_assert_msg(strstr(error.what, ".0' is written here, too") != NULL, "%s", error.what);
        ck_assert_int_eq(size_of(1), size);
        ck_assert_int_eq(run(to_file, 2, &error), WEIR_OK); /* so the first file is there, too */
    }
}
END_TEST

START_TEST(refusals)
{
    weir_error error;
    ck_assert_int_eq(run(to_nowhere, 1, &error), WEIR_IO);
    ck_assert_ptr_nonnull(strstr(error.what, "'no/such/folder/events.0' cannot be written"));
    ck_assert_int_eq(run(to_no_name, 1, &error), WEIR_INVALID);
    ck_assert_str_eq(error.what, "there is no file of events to write or read");
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/events", folder);
    int status = test_run(
        test_suite("kept_events", (const TTest *const[]){ in_files, on_a_topic, damaged_files,
                                                          read_and_written, refusals, NULL }));
    for (unsigned part = 0; part < 3; part++)
        (void)unlink(part_path(part));
    (void)rmdir(folder);
    return status;
}
