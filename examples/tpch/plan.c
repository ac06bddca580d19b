/* SPDX-License-Identifier: Apache-2.0
 *
 * See plan.h.
 */
#include "plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const verbs[] = { "add", "remove", "answer" };

static bool add(tpch_plan *plan, tpch_change change, weir_error *error)
{
    if (plan->count == plan->room) {
        size_t room = plan->room ? 2 * plan->room : 64;
        tpch_change *changes = realloc(plan->changes, room * sizeof *changes);
        if (!changes)
            return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the plan") == WEIR_OK;
        plan->changes = changes;
        plan->room = room;
    }
    plan->changes[plan->count++] = change;
    return true;
}

static bool find(const char *word, const char *const *names, size_t count, unsigned *found)
{
    for (*found = 0; *found < count; ++*found)
        if (strcmp(word, names[*found]) == 0)
            return true;
    return false;
}

static bool find_table(const char *word, unsigned *table)
{
    const char *names[TPCH_TABLE_COUNT];
    for (unsigned i = 0; i < TPCH_TABLE_COUNT; i++)
        names[i] = tpch_table_name((tpch_table)i);
    return find(word, names, TPCH_TABLE_COUNT, table);
}

/* "FIRST..LAST" or "FIRST..LAST/STEP" */
static bool find_range(const char *word, size_t rows, tpch_change *change)
{
    int end = 0;
    if (!isdigit((unsigned char)word[0]) ||
        sscanf(word, "%zu..%zu%n", &change->first, &change->last, &end) != 2)
        return false;
    if (word[end] == '/' && isdigit((unsigned char)word[end + 1])) {
        int more = 0;
        (void)sscanf(word + end, "/%zu%n", &change->step, &more);
        end += more;
    }
    return word[end] == '\0' && change->first >= 1 && change->first <= change->last &&
           change->last <= rows && change->step >= 1 && change->step <= rows;
}

/* An answer's name becomes a part of a file's. */
static bool is_name(const char *word)
{
    size_t len = strlen(word);
    return len > 0 && len < sizeof((tpch_change *)NULL)->name &&
           strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* What is wrong with a line, or NULL. *skip: it is about a table that nobody reads. */
static const char *parse(char *text, tpch_rows *const *rows, tpch_change *change, bool *skip)
{
    char verb[16] = "", what[40] = "", range[64] = "", more[2] = "";
    unsigned index;
    int words = sscanf(text, "%15s %39s %63s %1s", verb, what, range, more);
    *skip = words < 1 || verb[0] == '#';
    if (*skip)
        return NULL;
    if (!find(verb, verbs, 3, &index))
        return "it begins with none of add, remove and answer";
    change->verb = (tpch_verb)index;
    if (change->verb == TPCH_ANSWER) {
        (void)snprintf(change->name, sizeof change->name, "%.31s", what);
        return words == 2 && is_name(what) ? NULL
                                           : "an answer has one name, of small letters, digits, -";
    }
    if (words > 3 || !find_table(what, &index))
        return "a change names a table of TPC-H, and then, perhaps, rows";
    change->table = (tpch_table)index;
    *skip = rows[index] == NULL;
    if (*skip)
        return NULL;
    change->last = tpch_rows_count(rows[index]);
    if (words == 3 && !find_range(range, tpch_rows_count(rows[index]), change))
        return "rows are FIRST..LAST or FIRST..LAST/STEP, each from 1 to as many as there are";
    return NULL;
}

static bool read_lines(tpch_plan *plan, FILE *file, tpch_rows *const *rows, weir_error *error)
{
    char *text = NULL;
    size_t room = 0;
    bool ok = true;
    for (unsigned line = 1; ok && getline(&text, &room, file) >= 0; line++) {
        tpch_change change = { .line = line, .first = 1, .step = 1 };
        bool skip;
        const char *wrong = parse(text, rows, &change, &skip);
        if (wrong) {
            text[strcspn(text, "\n")] = '\0';
            weir_error_set(error, WEIR_BAD_DATA, "line %u of the plan, '%.60s': %s", line, text,
                           wrong);
        }
        ok = !wrong && (skip || add(plan, change, error));
    }
    free(text);
    return ok;
}

static bool all_rows(tpch_plan *plan, tpch_rows *const *rows, weir_error *error)
{
    for (unsigned i = 0; i < TPCH_TABLE_COUNT; i++)
        if (rows[i] && !add(plan,
                            (tpch_change){ .table = (tpch_table)i,
                                           .first = 1,
                                           .last = tpch_rows_count(rows[i]),
                                           .step = 1 },
                            error))
            return false;
    return add(plan, (tpch_change){ .verb = TPCH_ANSWER, .name = "all" }, error);
}

bool tpch_plan_read(tpch_plan *plan, const char *path, tpch_rows *const *rows, weir_error *error)
{
    if (!path)
        return all_rows(plan, rows, error);
    FILE *file = fopen(path, "r");
    if (!file) {
        weir_error_set(error, WEIR_IO, "cannot open the plan %s: %s", path, strerror(errno));
        return false;
    }
    bool ok = read_lines(plan, file, rows, error);
    (void)fclose(file);
    return ok;
}

void tpch_plan_fini(tpch_plan *plan)
{
    free(plan->changes);
}
