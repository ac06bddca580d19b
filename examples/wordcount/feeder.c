/* SPDX-License-Identifier: Apache-2.0
 *
 * See feeder.h.
 */
#include "feeder.h"

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/connectors/generator.h>
#include <weir/connectors/kafka.h>
#include <weir/weir.h>

enum { TEXT_MAX = 8 << 20, LINE_MAX_BYTES = 1 << 20 };

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

struct feeder {
    char *text;
    size_t size;
    weir_str *lines;
    size_t count;
    const char *brokers, *topic;
    double rate;
    weir_runtime *runtime;
    weir_input(line) words;
    weir_input_handle(line) handle;
};

/* ---- text ---- */

static void read_file(feeder *f, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    f->size += fread(f->text + f->size, 1, TEXT_MAX - f->size, file);
    fclose(file);
    if (f->size < TEXT_MAX)
        f->text[f->size++] = '\n';
}

static void read_matching(feeder *f, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && f->size < TEXT_MAX; i++)
            read_file(f, found.gl_pathv[i]);
        globfree(&found);
    }
}

static void cut_lines(feeder *f)
{
    char *at = f->text, *end = f->text + f->size;
    for (int fill = 0; fill < 2; fill++, at = f->text) {
        f->count = 0;
        while (at < end) {
            char *next = memchr(at, '\n', (size_t)(end - at));
            size_t len = (size_t)((next ? next : end) - at);
            if (len > 0 && len <= LINE_MAX_BYTES) {
                if (fill)
                    f->lines[f->count] = weir_str_view(at, len);
                f->count++;
            }
            at += len + 1;
        }
        if (!fill)
            f->lines = calloc(f->count + 1, sizeof *f->lines);
    }
}

static weir_status read_text(feeder *f, const char *const *files, weir_error *error)
{
    f->text = malloc(TEXT_MAX + 1);
    if (!f->text)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the text");
    for (; files && *files; files++) {
        size_t before = f->size;
        read_file(f, *files);
        if (f->size <= before + 1) {
            weir_error_set(error, WEIR_IO, "'%s' cannot be read, or is empty", *files);
            weir_error_hint(error, "name text files by --file");
            return WEIR_IO;
        }
    }
    if (f->size == 0) {
        read_matching(f, "/usr/share/common-licenses/*");
        read_matching(f, "/usr/share/doc/*/copyright");
    }
    if (f->size > 0)
        cut_lines(f);
    if (f->count > 0)
        return WEIR_OK;
    weir_error_set(error, WEIR_NOT_FOUND, "there is no text on this machine to count");
    weir_error_hint(error, "name text files by --file");
    return WEIR_NOT_FOUND;
}

/* ---- the dataflow ---- */

static void emit_lines(weir_builder *out, uint64_t first, uint64_t stride, size_t count, void *ctx)
{
    const feeder *f = ctx;
    for (; count > 0; count--, first += stride)
        line_emit((weir_out(line)){ out }, (line){ f->lines[first % f->count] });
}

static void build(weir_graph *g, void *ctx)
{
    feeder *f = ctx;
    weir_port *both[2] = {
        weir_generator_add(g, line_type(), emit_lines,
                           &(weir_generator_options){ .struct_size = sizeof(weir_generator_options),
                                                      .rate = f->rate, .ctx = f }),
        weir_input_add(g, line, &f->words, .name = "words").port,
    };
    weir_stream(line) all = { .port = weir_port_concat(both, 2) };
    weir_kafka_sink(all, .topic = f->topic, .brokers = f->brokers);
}

feeder *feeder_start(const char *brokers, const char *topic, const char *const *files, double rate,
                     weir_error *error)
{
    feeder *f = calloc(1, sizeof *f);
    if (!f) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the feeder");
        return NULL;
    }
    *f = (feeder){ .brokers = brokers, .topic = topic, .rate = rate };
    bool good = read_text(f, files, error) == WEIR_OK;
    weir_config config = { .struct_size = sizeof config, .workers = 1 };
    f->runtime = good ? weir_runtime_create(&config, error) : NULL;
    good = f->runtime &&
           weir_runtime_build(f->runtime, "feeder", build, f, error) == WEIR_OK &&
           weir_runtime_start(f->runtime, error) == WEIR_OK;
    if (good) {
        f->handle = weir_input_open(f->words, 0);
        return f;
    }
    feeder_stop(f);
    return NULL;
}

bool feeder_send(feeder *f, const char *word)
{
    line record = { weir_str_of(word) };
    weir_status status = weir_input_change(f->handle, line, record, 1);
    weir_input_flush(f->handle);
    return status != WEIR_CLOSED;
}

void feeder_stop(feeder *f)
{
    weir_error error = { 0 };
    char text[1600];
    if (f->handle.handle) {
        weir_runtime_stop(f->runtime);
        weir_runtime_stop(f->runtime); /* what is not written by now nobody waits for */
        weir_status status = weir_runtime_wait(f->runtime, &error);
        if (status != WEIR_OK && status != WEIR_CANCELLED)
            fprintf(stderr, "feeder: %s\n", weir_error_text(&error, text, sizeof text));
    }
    weir_runtime_destroy(f->runtime);
    free(f->lines);
    free(f->text);
    free(f);
}
