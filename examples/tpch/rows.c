/* SPDX-License-Identifier: Apache-2.0
 *
 * See rows.h. A file is read as a whole; where its lines begin is noted, and a row is parsed when
 * it is asked for, by the fields of its table's record: the kind of a field says what its column
 * has to look like.
 */
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 16 };

static const struct {
    const char *name;
    const weir_type *(*type)(void);
    const char *columns[COLUMNS_MAX + 1];
} tables[TPCH_TABLE_COUNT] = {
    { "region", region_type, { "r_regionkey", "r_name", "r_comment" } },
    { "nation", nation_type, { "n_nationkey", "n_name", "n_regionkey", "n_comment" } },
    { "supplier",
      supplier_type,
      { "s_suppkey", "s_name", "s_address", "s_nationkey", "s_phone", "s_acctbal", "s_comment" } },
    { "customer",
      customer_type,
      { "c_custkey", "c_name", "c_address", "c_nationkey", "c_phone", "c_acctbal", "c_mktsegment",
        "c_comment" } },
    { "part",
      part_type,
      { "p_partkey", "p_name", "p_mfgr", "p_brand", "p_type", "p_size", "p_container",
        "p_retailprice", "p_comment" } },
    { "partsupp",
      partsupp_type,
      { "ps_partkey", "ps_suppkey", "ps_availqty", "ps_supplycost", "ps_comment" } },
    { "orders",
      orders_type,
      { "o_orderkey", "o_custkey", "o_orderstatus", "o_totalprice", "o_orderdate",
        "o_orderpriority", "o_clerk", "o_shippriority", "o_comment" } },
    { "lineitem",
      lineitem_type,
      { "l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice",
        "l_discount", "l_tax", "l_returnflag", "l_linestatus", "l_shipdate", "l_commitdate",
        "l_receiptdate", "l_shipinstruct", "l_shipmode", "l_comment" } },
};

struct tpch_rows {
    tpch_table table;
    const weir_type *type;
    const weir_field *field[COLUMNS_MAX]; /* of each column; NULL: the record has none */
    size_t columns;
    bool csv;
    char name[32]; /* of the file */
    char *text;
    size_t size;
    size_t *lines; /* where each line begins, and the end of the last */
    size_t line_count;
};

const char *tpch_table_name(tpch_table table)
{
    return tables[table].name;
}
const weir_type *tpch_table_type(tpch_table table)
{
    return tables[table].type();
}

/* ---- the file ---- */

static FILE *open_file(tpch_rows *r, const char *folder, weir_error *error)
{
    static const char *const endings[] = { "tbl", "csv" };
    const char *table = tables[r->table].name;
    char path[4096];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(r->name, sizeof r->name, "%s.%s", table, endings[i]);
        if (snprintf(path, sizeof path, "%s/%s", folder, r->name) >= (int)sizeof path)
            break;
        FILE *file = fopen(path, "rb");
        r->csv = i == 1;
        if (file)
            return file;
        if (errno != ENOENT) {
            weir_error_set(error, WEIR_IO, "cannot open %s: %s", path, strerror(errno));
            return NULL;
        }
    }
    weir_error_set(error, WEIR_NOT_FOUND, "there is no %s.tbl and no %s.csv in %s", table, table,
                   folder);
    weir_error_hint(error, "make them by: tpchgen-cli --scale-factor 0.01 --output-dir %s", folder);
    return NULL;
}

static bool read_all(tpch_rows *r, FILE *file)
{
    size_t room = 1 << 16;
    for (;;) {
        char *text = realloc(r->text, room);
        if (!text)
            return false;
        r->text = text;
        size_t got = fread(r->text + r->size, 1, room - r->size, file);
        r->size += got;
        if (got == 0)
            return !ferror(file);
        if (r->size == room)
            room *= 2;
    }
}

static bool find_lines(tpch_rows *r)
{
    size_t room = 0;
    for (size_t at = 0;;) {
        if (r->line_count == room) {
            room = room ? 2 * room : 1024;
            size_t *lines = realloc(r->lines, room * sizeof *lines);
            if (!lines)
                return false;
            r->lines = lines;
        }
        r->lines[r->line_count] = at;
        if (at >= r->size)
            return true;
        const char *end = memchr(r->text + at, '\n', r->size - at);
        at = end ? (size_t)(end - r->text) + 1 : r->size;
        r->line_count++;
    }
}

static void find_fields(tpch_rows *r)
{
    for (; r->columns < COLUMNS_MAX && tables[r->table].columns[r->columns]; r->columns++) {
        int i = weir_type_field(r->type, tables[r->table].columns[r->columns]);
        r->field[r->columns] = i >= 0 ? &r->type->fields[i] : NULL;
    }
}

/* The first line of a .csv file names the columns. */
static weir_status check_names(const tpch_rows *r, weir_error *error)
{
    char names[400] = "";
    size_t len = 0;
    for (size_t i = 0; i < r->columns; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? "," : "",
                                tables[r->table].columns[i]);
    if (r->line_count > 0 && r->lines[1] >= len && memcmp(r->text, names, len) == 0)
        return WEIR_OK;
    weir_error_set(error, WEIR_BAD_DATA, "%s, line 1: not the names of the columns", r->name);
    weir_error_hint(error, "%s", names);
    return WEIR_BAD_DATA;
}

tpch_rows *tpch_rows_open(const char *folder, tpch_table table, weir_error *error)
{
    tpch_rows *r = calloc(1, sizeof *r);
    if (!r) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the rows of a table");
        return NULL;
    }
    r->table = table;
    r->type = tables[table].type();
    find_fields(r);
    FILE *file = open_file(r, folder, error);
    weir_status status = file ? WEIR_OK : WEIR_IO;
    if (file) {
        if (!read_all(r, file) || !find_lines(r))
            status = weir_error_set(error, WEIR_IO, "cannot read %s: %s", r->name, strerror(errno));
        else if (r->csv)
            status = check_names(r, error);
        (void)fclose(file);
    }
    if (status == WEIR_OK)
        return r;
    tpch_rows_close(r);
    return NULL;
}

void tpch_rows_close(tpch_rows *rows)
{
    if (!rows)
        return;
    free(rows->text);
    free(rows->lines);
    free(rows);
}

size_t tpch_rows_count(const tpch_rows *rows)
{
    return rows->line_count - rows->csv;
}

/* ---- a row ---- */

/* What a column of a field's kind must be, for people. NULL: anything. */
static const char *kind_in_words(weir_kind kind)
{
    switch (kind) {
    case WEIR_KIND_u8:
        return "one character";
    case WEIR_KIND_i64:
        return "a number with at most two digits after the point";
    case WEIR_KIND_u16:
        return "a number from 0 to 655.35 with at most two digits after the point";
    case WEIR_KIND_date:
        return "a date like 1998-12-01";
    default:
        return "a whole number that fits";
    }
}

static bool parse_hundredths(weir_kind kind, weir_str text, void *to)
{
    weir_decimal d;
    if (weir_decimal_parse(weir_str_data(&text), text.len, 2, &d) != WEIR_OK)
        return false;
    int64_t value = (int64_t)d.unscaled;
    uint16_t small = (uint16_t)value;
    memcpy(to, kind == WEIR_KIND_u16 ? (void *)&small : &value, weir_kind_size(kind));
    return kind == WEIR_KIND_u16 ? small == d.unscaled : value == d.unscaled;
}

static bool parse(const weir_field *field, weir_str text, void *record)
{
    void *to = (char *)record + field->offset;
    switch (field->kind) {
    case WEIR_KIND_u8:
        *(uint8_t *)to = (uint8_t)weir_str_data(&text)[0];
        return text.len == 1;
    case WEIR_KIND_i64:
    case WEIR_KIND_u16:
        return parse_hundredths(field->kind, text, to);
    case WEIR_KIND_date:
        return weir_date_parse(weir_str_data(&text), text.len, to) == WEIR_OK;
    default: /* texts, and whole numbers */
        return weir_field_parse(field, &text, NULL, record, NULL) == WEIR_OK;
    }
}

/* Cuts the next column off *at; false: there is none any more, or none that ends as it should. */
static bool next_column(const tpch_rows *r, const char **at, const char *end, weir_str *column)
{
    const char *from = *at, *stop;
    char divider = r->csv ? ',' : '|';
    if (from > end)
        return false;
    if (r->csv && from < end && *from == '"') {
        from++;
        stop = memchr(from, '"', (size_t)(end - from));
        if (!stop || (stop + 1 < end && stop[1] != divider))
            return false;
        *at = stop + 2;
    } else {
        stop = memchr(from, divider, (size_t)(end - from));
        if (!stop && !r->csv)
            return false; /* one is behind the last, too */
        stop = stop ? stop : end;
        *at = stop + 1;
    }
    *column = weir_str_view(from, (size_t)(stop - from));
    return true;
}

weir_status tpch_rows_read(const tpch_rows *r, size_t i, void *record, weir_error *error)
{
    size_t line = i + r->csv;
    const char *at = r->text + r->lines[line], *end = r->text + r->lines[line + 1];
    if (end > at && end[-1] == '\n')
        end--;
    memset(record, 0, r->type->size);
    for (size_t c = 0; c < r->columns; c++) {
        weir_str text;
        const char *name = tables[r->table].columns[c];
        if (!next_column(r, &at, end, &text))
            return weir_error_set(
                error, WEIR_BAD_DATA, "%s, line %zu, column %s: it is missing, or %s", r->name,
                line + 1, name, r->csv ? "has no quote at its end" : "has no | behind it");
        if (r->field[c] && !parse(r->field[c], text, record))
            return weir_error_set(error, WEIR_BAD_DATA, "%s, line %zu, column %s: '%.*s' is not %s",
                                  r->name, line + 1, name, text.len < 60 ? (int)text.len : 60,
                                  weir_str_data(&text), kind_in_words(r->field[c]->kind));
    }
    if (at < end + r->csv)
        return weir_error_set(error, WEIR_BAD_DATA, "%s, line %zu: more than %zu columns", r->name,
                              line + 1, r->columns);
    return WEIR_OK;
}
