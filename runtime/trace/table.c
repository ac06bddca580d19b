/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the entries of a table: keys, values, and the long strings of keys; look-up, insertion,
 * removal. The slots that find entries are in slices.c, keys that wait in noted.c, walks in
 * table_walk.c.
 */
#include "trace/table.h"

#include "base/assert.h"
#include "base/mapped.h"

enum { VALUE_MAX = 4096, AHEAD = 64, BLOCK = 512, MOVE_SLOTS = 32 };
/* An entry has 8 bytes at least. */
enum { SLAB = 64 << 10, SLAB_CHUNKS_MAX = SLAB >> WEIR__CHUNK_BITS >> 3 };

/* ---- making and ending ---- */

void weir__table_charge(weir_table *table)
{
    size_t bytes = weir_table_bytes(table);
    if (table->account && bytes != table->charged)
        weir_account_add(table->account, (int64_t)bytes - (int64_t)table->charged);
    table->charged = bytes;
}

/* Whether keys are equal exactly if their bytes are: all of it are integers. */
static bool are_bytes(const weir_type *type, const weir_key *key)
{
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *f = &type->fields[key->field[i]];
        bool is_float = f->kind == WEIR_KIND_f32 || f->kind == WEIR_KIND_f64;
        if (f->optional || is_float || f->kind == WEIR_KIND_flag || weir_kind_size(f->kind) > 8)
            return false;
    }
    return true;
}

static weir__key_form form_of(const weir_type *type, const weir_key *key)
{
    const weir_field *f = &type->fields[key->field[0]];
    if (key->count > 1)
        return are_bytes(type, key) ? KEY_BYTES : KEY_ANY;
    if (f->optional)
        return KEY_ANY;
    switch (f->kind) {
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
        return KEY_STR;
    case WEIR_KIND_i64:
    case WEIR_KIND_u64:
    case WEIR_KIND_instant:
        return KEY_WORD;
    case WEIR_KIND_i32:
    case WEIR_KIND_u32:
    case WEIR_KIND_date:
        return KEY_HALF;
    default:
        return KEY_ANY;
    }
}

static void lay_out(weir_table *table)
{
    uint32_t align = table->value_size % 16 == 0 && table->value_size > 0 ? 16 : 8;
    if (table->pack.type.align > align)
        align = table->pack.type.align;
    table->value_at = (table->pack.type.size + align - 1) / align * align;
    table->entry_size = (table->value_at + (uint32_t)table->value_size + align - 1) / align * align;
}

static weir_status check(const weir_table_options *options, weir_error *error)
{
    WEIR_ASSERT(options->struct_size >= sizeof *options, "a table's options need .struct_size");
    if (!options->type || options->key.count == 0 || options->key.count > WEIR_KEY_FIELDS_MAX)
        return weir_error_set(error, WEIR_INVALID, "a table needs a key of 1 to %d fields",
                              WEIR_KEY_FIELDS_MAX);
    for (uint32_t i = 0; i < options->key.count; i++)
        if (options->key.field[i] >= options->type->field_count)
            return weir_error_set(error, WEIR_INVALID, "record '%s' has no field %u for a key",
                                  options->type->name, options->key.field[i]);
    if (options->value_size > VALUE_MAX)
        return weir_error_set(error, WEIR_TOO_LARGE, "a table's value of %zu bytes is above %d",
                              options->value_size, VALUE_MAX);
    return WEIR_OK;
}

weir_status weir_table_create(weir_table **result, const weir_table_options *options,
                              weir_error *error)
{
    weir_status status = check(options, error);
    *result = NULL;
    if (status != WEIR_OK)
        return status;
    weir_table *table = weir_alloc_zero(sizeof *table);
    if (!table)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a table");
    table->type = options->type;
    table->key = options->key;
    table->seed = options->hash_seed;
    table->parts = options->parts ? options->parts : 1;
    table->account = options->account;
    table->value_size = options->value_size;
    table->form = form_of(table->type, &table->key);
    table->key_at = table->type->fields[table->key.field[0]].offset;
    table->entries_used = 1;
    table->slabs_from = SIZE_MAX;
    table->bytes = sizeof *table;
    status = weir__pack_init(&table->pack, table->type, table->key.field, table->key.count);
    if (status != WEIR_OK || !weir__table_start(table)) {
        weir_table_destroy(table);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a table");
    }
    lay_out(table);
    weir__table_charge(table);
    *result = table;
    return WEIR_OK;
}

static size_t chunk_size(const weir_table *table)
{
    return (size_t)table->entry_size << WEIR__CHUNK_BITS;
}

/* How many are one block once a table is large: as many as take what slots take. So blocks that
 * slots have left hold entries, and what an allocator leaves beside each is little. */
static size_t slab_chunks(const weir_table *table)
{
    size_t fit = SLAB / chunk_size(table);
    return fit > 0 ? fit : 1;
}

static void free_entries(weir_table *table)
{
    for (size_t i = 0, n; i < table->chunk_count; i += n) {
        n = i < table->slabs_from ? 1 : slab_chunks(table);
        weir_free(table->chunks[i], n * chunk_size(table));
        table->bytes -= n * chunk_size(table);
    }
    weir_free(table->chunks, table->chunk_capacity * sizeof *table->chunks);
    table->bytes -= table->chunk_capacity * sizeof *table->chunks;
    table->chunks = NULL;
    table->chunk_count = table->chunk_capacity = 0;
    table->slabs_from = SIZE_MAX;
    table->entries_used = 1;
    table->free_first = 0;
    table->count = 0;
    weir__heap_clear(&table->heap);
}

void weir_table_destroy(weir_table *table)
{
    if (!table)
        return;
    bool large = table->bytes >= WEIR__LARGE;
    weir__table_free_notes(table);
    free_entries(table);
    weir__table_free_slices(table);
    if (large)
        weir__large_gone();
    weir__pack_fini(&table->pack);
    if (table->account)
        weir_account_add(table->account, -(int64_t)table->charged);
    weir_free(table, sizeof *table);
}

void weir_table_clear(weir_table *table)
{
    weir__table_free_notes(table);
    free_entries(table);
    for (size_t i = 0; i < table->slice_count; i++) {
        size_t first;
        weir__slice_places(table, &table->slices[i], &first);
        const weir__place *place = &table->places[first];
        memset(place->slots, 0, ((size_t)place->mask + 1) * sizeof *place->slots);
        table->slices[i].count = 0;
    }
    weir__table_charge(table);
}

size_t weir_table_count(const weir_table *table)
{
    return table->count;
}

size_t weir_table_bytes(const weir_table *table)
{
    return table->bytes + table->heap.bytes;
}

/* ---- keys ---- */

const weir_type *weir_table_key_type(const weir_table *table)
{
    return &table->pack.type;
}

const void *weir_table_key(const weir_table *table, const void *value)
{
    return (const char *)value - table->value_at;
}

uint64_t weir_table_hash(const weir_table *table, const void *value)
{
    return weir_key_hash(&table->pack.type, &table->pack.key, weir_table_key(table, value),
                         table->seed);
}

static inline bool same_bytes(const char *a, const char *b, uint32_t size)
{
    uint64_t x = 0, y = 0, u = 0, v = 0;
    if (size > 16)
        return memcmp(a, b, size) == 0;
    if (size >= 8) { /* the two parts may share bytes */
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        memcpy(&u, a + size - 8, 8);
        memcpy(&v, b + size - 8, 8);
    } else if (size >= 4) {
        memcpy(&x, a, 4);
        memcpy(&y, b, 4);
        memcpy(&u, a + size - 4, 4);
        memcpy(&v, b + size - 4, 4);
    } else if (size >= 2) {
        memcpy(&x, a, 2);
        memcpy(&y, b, 2);
        u = (unsigned char)a[size - 1];
        v = (unsigned char)b[size - 1];
    } else {
        return *a == *b;
    }
    return ((x ^ y) | (u ^ v)) == 0;
}

static inline bool same_stretches(const weir__pack *pack, const char *record, const char *entry)
{
    for (uint32_t i = 0; i < pack->stretch_count; i++) {
        const weir__stretch *s = &pack->stretches[i];
        if (!same_bytes(record + s->record, entry + s->packed, s->size))
            return false;
    }
    return true;
}

static inline bool key_equal(const weir_table *table, weir__key_form form, const char *record,
                             const char *entry)
{
    switch (form) {
    case KEY_WORD:
        return memcmp(record + table->key_at, entry, 8) == 0;
    case KEY_HALF:
        return memcmp(record + table->key_at, entry, 4) == 0;
    case KEY_STR:
        return weir_str_equal((const weir_str *)(const void *)(record + table->key_at),
                              (const weir_str *)(const void *)entry);
    case KEY_BYTES:
        return same_stretches(&table->pack, record, entry);
    default:
        return weir_key_equal_across(table->type, &table->key, record, &table->pack.type,
                                     &table->pack.key, entry);
    }
}

/* ---- look-up ---- */

/* If it is not there, `empty` becomes where it belongs. */
static inline char *find_one(const weir_table *table, const char *record, uint64_t position,
                             uint64_t **empty)
{
    const weir__place *place = weir__table_place(table, position);
    uint32_t tag = (uint32_t)(position >> 32), at = weir__line_home(place, tag);
    for (;; at = weir__line_next(place, at)) {
        uint64_t *slots = place->slots + at;
        weir__line line = weir__line_look(slots, tag);
        for (; line.same; line.same &= line.same - 1) {
            char *entry =
                weir__table_entry(table, (uint32_t)slots[__builtin_ctz(line.same)]);
            if (key_equal(table, table->form, record, entry))
                return entry;
        }
        if (line.empty) {
            *empty = slots + __builtin_ctz(line.empty);
            return NULL;
        }
    }
}

/* Where what is far away is asked to come: into the second cache, which can wait for more lines at
 * a time than the first (8 ns each instead of 10). */
enum { FAR = 2 };

/* Look-ups go through three stages, some keys apart: the line of a key is asked for, its slots are
 * read and the entry asked for, the keys are compared; where the line was full, the next one's are
 * read halfway between the last two. So memory always has as much to do as it can do at once; asked
 * in bursts, it makes the core wait for each of them. */
static inline void ask_slots(const weir_table *table, uint64_t hash)
{
    uint64_t position = weir__table_position(table, hash);
    const weir__place *place = weir__table_place(table, position);
    __builtin_prefetch(&place->slots[weir__line_home(place, (uint32_t)(position >> 32))], 0, FAR);
}

/* Stands for a line that is full and has none: it goes on in the next one, which was asked for. */
static char beyond;

static inline char *ask_slot(const weir_table *table, const uint64_t *slots, weir__line line)
{
    if (!line.same)
        return NULL;
    char *entry = weir__table_entry(table, (uint32_t)slots[__builtin_ctz(line.same)]);
    __builtin_prefetch(entry, 0, FAR);
    return entry;
}

/* The first entry of the same upper half, its key not yet compared. NULL: there is none. */
static inline char *ask_entry(const weir_table *table, uint64_t hash)
{
    uint64_t position = weir__table_position(table, hash);
    const weir__place *place = weir__table_place(table, position);
    uint32_t tag = (uint32_t)(position >> 32), at = weir__line_home(place, tag);
    weir__line line = weir__line_look(place->slots + at, tag);
    if (WEIR_LIKELY(line.same | line.empty))
        return ask_slot(table, place->slots + at, line);
    __builtin_prefetch(place->slots + weir__line_next(place, at), 0, FAR);
    return &beyond;
}

/* The same behind a line that was full. */
static __attribute__((noinline)) char *ask_beyond(const weir_table *table, uint64_t hash)
{
    uint64_t position = weir__table_position(table, hash);
    const weir__place *place = weir__table_place(table, position);
    uint32_t tag = (uint32_t)(position >> 32), at = weir__line_home(place, tag);
    weir__line line;
    do {
        at = weir__line_next(place, at);
        line = weir__line_look(place->slots + at, tag);
    } while (!(line.same | line.empty));
    return ask_slot(table, place->slots + at, line);
}

/* Keys that are looked up together. */
typedef struct block {
    const char *record; /* the next one */
    size_t size;        /* of a record */
    const uint64_t *hashes;
    size_t count;
    void **values;
} block;

/* Step i of a block: what is asked for at it. From step 2 * ahead on, the entry found for key
 * i - 2 * ahead is in values. */
static inline void look_ahead(const weir_table *table, const block *b, size_t i, size_t ahead)
{
    if (i < b->count)
        ask_slots(table, b->hashes[i]);
    if (i >= ahead && i - ahead < b->count)
        b->values[i - ahead] = ask_entry(table, b->hashes[i - ahead]);
    size_t late = ahead + ahead / 2;
    if (i >= late && i - late < b->count && WEIR_UNLIKELY(b->values[i - late] == &beyond))
        b->values[i - late] = ask_beyond(table, b->hashes[i - late]);
}

static inline size_t ahead_of(size_t n)
{
    return n < AHEAD ? n : AHEAD;
}

/* The hashes of records: those given, or computed here; of no more than BLOCK. */
static inline const uint64_t *hashes_of(const weir_table *table, const char *records,
                                        const uint64_t *given, size_t n, uint64_t *room)
{
    if (given)
        return given;
    weir_key_hash_column(table->type, &table->key, records, n, table->seed, room);
    return room;
}

static inline __attribute__((always_inline)) void find_block(const weir_table *table,
                                                             weir__key_form form, block *b)
{
    size_t ahead = ahead_of(b->count);
    uint64_t *empty;
    for (size_t i = 0; i < b->count + 2 * ahead; i++) {
        look_ahead(table, b, i, ahead);
        if (i < 2 * ahead)
            continue;
        size_t k = i - 2 * ahead;
        char *entry = b->values[k];
        if (entry && !key_equal(table, form, b->record, entry))
            entry = find_one(table, b->record, weir__table_position(table, b->hashes[k]), &empty);
        b->values[k] = entry ? entry + table->value_at : NULL;
        b->record += b->size;
    }
}

void weir_table_find_many(const weir_table *table, const void *records, const uint64_t *hashes,
                          size_t n, void **values)
{
    uint64_t room[BLOCK];
    for (size_t from = 0; from < n; from += BLOCK) {
        block b = { .record = (const char *)records + from * table->type->size,
                    .size = table->type->size,
                    .count = n - from < BLOCK ? n - from : BLOCK,
                    .values = values + from };
        b.hashes = hashes_of(table, b.record, hashes ? hashes + from : NULL, b.count, room);
        if (table->form == KEY_STR)
            find_block(table, KEY_STR, &b);
        else if (table->form == KEY_WORD)
            find_block(table, KEY_WORD, &b);
        else if (table->form == KEY_BYTES)
            find_block(table, KEY_BYTES, &b);
        else
            find_block(table, table->form, &b);
    }
}

void *weir_table_find(const weir_table *table, const void *record)
{
    void *value;
    weir_table_find_many(table, record, NULL, 1, &value);
    return value;
}

void weir_table_ask(const weir_table *table, const void *records, const uint64_t *hashes, size_t n)
{
    uint64_t room[WEIR_TABLE_ASKED];
    n = n < WEIR_TABLE_ASKED ? n : WEIR_TABLE_ASKED;
    hashes = hashes_of(table, records, hashes, n, room);
    for (size_t i = 0; i < n; i++)
        ask_slots(table, hashes[i]);
    for (size_t i = 0; i < n; i++)
        (void)ask_entry(table, hashes[i]);
}

/* ---- the heap's evacuation ---- */

static bool move_strings(weir_table *table, char *entry)
{
    for (uint32_t i = 0; i < table->pack.string_count; i++) {
        weir_str *s = weir__pack_string(&table->pack, entry, i);
        if (weir_str_is_inline(s))
            continue;
        char *room = weir__heap_move(&table->heap, s->len);
        if (!room)
            return false;
        memcpy(room, s->u.ptr, s->len);
        s->u.ptr = room;
    }
    return true;
}

/* Moves what a few slots name. Without memory it is tried again at the next change. */
static void evacuate_some(weir_table *table)
{
    if (!weir__heap_evacuates(&table->heap)) {
        if (!weir__heap_is_wasteful(&table->heap))
            return;
        weir__heap_evacuate(&table->heap);
        table->moved_slice = table->moved_slot = 0;
    }
    size_t first;
    weir__slice_places(table, &table->slices[table->moved_slice], &first);
    const weir__place *place = &table->places[first];
    size_t end = table->moved_slot + MOVE_SLOTS;
    for (; table->moved_slot < end && table->moved_slot <= place->mask; table->moved_slot++) {
        uint64_t slot = place->slots[table->moved_slot];
        if (slot && !move_strings(table, weir__table_entry(table, (uint32_t)slot)))
            return;
    }
    if (table->moved_slot <= place->mask)
        return;
    table->moved_slot = 0;
    if (++table->moved_slice == table->slice_count)
        weir__heap_evacuated(&table->heap);
}

/* Empties a slot. What comes back over the place where the evacuation stands is moved with it. */
static void close_gap(weir_table *table, const weir__place *place, uint32_t at)
{
    bool moves = weir__heap_evacuates(&table->heap) && table->moved_slice == place->slice;
    for (uint32_t from; weir__slot_take(place, at, &from); at = from) {
        if (!moves || at >= table->moved_slot || from < table->moved_slot)
            continue;
        if (!move_strings(table, weir__table_entry(table, (uint32_t)place->slots[at])))
            table->moved_slot = at;
    }
}

static inline void changed(weir_table *table)
{
    if (WEIR_UNLIKELY(table->heap.used > 0))
        evacuate_some(table);
}

/* ---- insertion and removal ---- */

static bool chunks_reserve(weir_table *table, size_t n)
{
    if (table->chunk_count + n <= table->chunk_capacity)
        return true;
    size_t capacity = 2 * table->chunk_capacity + SLAB_CHUNKS_MAX;
    char **chunks = weir_realloc(table->chunks, table->chunk_capacity * sizeof *chunks,
                                 capacity * sizeof *chunks);
    if (!chunks)
        return false;
    table->bytes += (capacity - table->chunk_capacity) * sizeof *chunks;
    table->chunks = chunks;
    table->chunk_capacity = capacity;
    return true;
}

static bool chunks_add(weir_table *table)
{
    bool slabs = table->slabs_from != SIZE_MAX || table->bytes >= WEIR__LARGE;
    size_t n = slabs ? slab_chunks(table) : 1, size = n * chunk_size(table);
    if (!chunks_reserve(table, n))
        return false;
    char *room = slabs ? weir__alloc_dense(size) : weir_alloc(size);
    if (!room)
        return false;
    if (slabs)
        weir__pages_ask(room, size < SLAB ? size : SLAB);
    if (slabs && table->slabs_from == SIZE_MAX)
        table->slabs_from = table->chunk_count;
    table->bytes += size;
    for (size_t i = 0; i < n; i++)
        table->chunks[table->chunk_count++] = room + i * chunk_size(table);
    return true;
}

/* An entry that no slot names yet; 0: no memory. */
static uint32_t entry_take(weir_table *table)
{
    uint32_t index = table->free_first;
    if (index) {
        memcpy(&table->free_first, weir__table_entry(table, index), sizeof index);
        return index;
    }
    if (table->entries_used == UINT32_MAX)
        return 0;
    if (table->entries_used >> WEIR__CHUNK_BITS >= table->chunk_count && !chunks_add(table))
        return 0;
    return table->entries_used++;
}

static void entry_give_back(weir_table *table, uint32_t index)
{
    memcpy(weir__table_entry(table, index), &table->free_first, sizeof index);
    table->free_first = index;
}

uint32_t weir_table_fresh(const weir_table *table)
{
    return table->free_first ? 0 : table->entries_used;
}

void *weir_table_fresh_value(const weir_table *table, uint32_t at)
{
    return weir__table_entry(table, at) + table->value_at;
}

static __attribute__((noinline)) bool key_pack(weir_table *table, char *entry, const char *record)
{
    memset(entry, 0, table->entry_size);
    weir__pack_from_record(&table->pack, entry, record);
    if (table->form == KEY_HALF || table->form == KEY_BYTES)
        return true;
    weir_record_canonicalize(&table->pack.type, entry);
    size_t size = weir_record_heap_size(&table->pack.type, entry);
    if (size == 0)
        return true;
    char *room = weir__heap_alloc(&table->heap, size);
    if (!room)
        return false;
    weir_record_move_strings(&table->pack.type, entry, room);
    return true;
}

/* The record's key, with its long strings copied. */
static inline bool key_copy(weir_table *table, weir__key_form form, char *entry,
                            const char *record)
{
    if (form != KEY_WORD)
        return key_pack(table, entry, record);
    memcpy(entry, record + table->key_at, sizeof(uint64_t));
    for (uint32_t at = sizeof(uint64_t); at < table->entry_size; at += sizeof(uint64_t))
        memset(entry + at, 0, sizeof(uint64_t));
    return true;
}

/* At an empty slot that a look for the record has ended at. */
static inline __attribute__((always_inline)) char *
insert_at(weir_table *table, weir__key_form form, const char *record, uint64_t position,
          uint64_t *empty)
{
    uint32_t index = entry_take(table);
    if (!index)
        return NULL;
    char *entry = weir__table_entry(table, index);
    if (!key_copy(table, form, entry, record)) {
        entry_give_back(table, index);
        return NULL;
    }
    const weir__place *place = weir__table_place(table, position);
    *empty = weir__slot_make(position, index);
    table->slices[place->slice].count++;
    table->count++;
    changed(table);
    return entry;
}

static __attribute__((noinline)) char *find_or_insert(weir_table *table, const char *record,
                                                      uint64_t position)
{
    uint64_t *empty;
    char *entry = find_one(table, record, position, &empty);
    if (entry)
        return entry;
    if (!weir__slice_has_room(table, weir__table_place(table, position))) {
        if (!weir__table_make_room(table, position))
            return NULL;
        (void)find_one(table, record, position, &empty);
    }
    return insert_at(table, table->form, record, position, empty);
}

/* Most that are new find no key like theirs, and a place. */
static inline __attribute__((always_inline)) char *insert_one(weir_table *table,
                                                              weir__key_form form,
                                                              const char *record, uint64_t hash)
{
    uint64_t position = weir__table_position(table, hash);
    const weir__place *place = weir__table_place(table, position);
    uint32_t tag = (uint32_t)(position >> 32), at = weir__line_home(place, tag);
    weir__line line = weir__line_look(place->slots + at, tag);
    while (WEIR_UNLIKELY(!(line.same | line.empty))) {
        at = weir__line_next(place, at);
        line = weir__line_look(place->slots + at, tag);
    }
    if (WEIR_UNLIKELY(line.same || !weir__slice_has_room(table, place)))
        return find_or_insert(table, record, position);
    return insert_at(table, form, record, position,
                     place->slots + at + __builtin_ctz(line.empty));
}

/* Returns how many were done. What is inserted may not be seen by a look at the slots that came
 * before: then it is looked for once more. */
static inline __attribute__((always_inline)) size_t insert_block(weir_table *table,
                                                                 weir__key_form form, block *b)
{
    size_t ahead = ahead_of(b->count);
    for (size_t i = 0; i < b->count + 2 * ahead; i++) {
        look_ahead(table, b, i, ahead);
        if (i < 2 * ahead)
            continue;
        size_t k = i - 2 * ahead;
        char *entry = b->values[k];
        if (WEIR_UNLIKELY(!entry || !key_equal(table, form, b->record, entry))) {
            entry = insert_one(table, form, b->record, b->hashes[k]);
            if (!entry)
                return k;
        }
        b->values[k] = entry + table->value_at;
        b->record += b->size;
    }
    return b->count;
}

size_t weir_table_insert_many(weir_table *table, const void *records, const uint64_t *hashes,
                              size_t n, void **values)
{
    uint64_t room[BLOCK];
    size_t done = 0, i = 0;
    for (block b = { .count = 0 }; i < n && done == b.count; i += done) {
        b = (block){ .record = (const char *)records + i * table->type->size,
                     .size = table->type->size,
                     .count = n - i < BLOCK ? n - i : BLOCK,
                     .values = values + i };
        b.hashes = hashes_of(table, b.record, hashes ? hashes + i : NULL, b.count, room);
        if (table->form == KEY_STR)
            done = insert_block(table, KEY_STR, &b);
        else if (table->form == KEY_WORD)
            done = insert_block(table, KEY_WORD, &b);
        else if (table->form == KEY_BYTES)
            done = insert_block(table, KEY_BYTES, &b);
        else
            done = insert_block(table, table->form, &b);
    }
    weir__table_charge(table);
    return i;
}

/* The line of a key, and the next one, which one key in ten goes on in. */
static inline __attribute__((always_inline)) void ask_lines(const weir_table *table, uint64_t hash)
{
    uint64_t position = weir__table_position(table, hash);
    const weir__place *place = weir__table_place(table, position);
    uint32_t at = weir__line_home(place, (uint32_t)(position >> 32));
    __builtin_prefetch(&place->slots[at]);
    __builtin_prefetch(&place->slots[weir__line_next(place, at)]);
}

size_t weir__table_insert_words(weir_table *table, const uint64_t *words, const uint64_t *hashes,
                                size_t n, void **values)
{
    block b = { .record = (const char *)words - table->key_at,
                .size = sizeof *words,
                .hashes = hashes,
                .count = n,
                .values = values };
    size_t done = insert_block(table, KEY_WORD, &b);
    weir__table_charge(table);
    return done;
}

size_t weir__table_insert_new_words(weir_table *table, const uint64_t *words,
                                    const uint64_t *hashes, size_t n, void **values)
{
    enum { NEAR = 32 };
    size_t i = 0;
    for (; i < n && i < NEAR; i++)
        ask_lines(table, hashes[i]);
    for (i = 0; i < n; i++) {
        if (i + NEAR < n)
            ask_lines(table, hashes[i + NEAR]);
        char *entry = insert_one(table, KEY_WORD, (const char *)&words[i] - table->key_at,
                                 hashes[i]);
        if (!entry)
            break;
        values[i] = entry + table->value_at;
    }
    weir__table_charge(table);
    return i;
}

void *weir_table_insert(weir_table *table, const void *record)
{
    void *value;
    return weir_table_insert_many(table, record, NULL, 1, &value) == 1 ? value : NULL;
}

void weir_table_remove(weir_table *table, void *value)
{
    char *entry = (char *)value - table->value_at;
    uint64_t position = weir__table_position(table, weir_table_hash(table, value));
    const weir__place *place = weir__table_place(table, position);
    uint32_t at = weir__line_home(place, (uint32_t)(position >> 32)), passed = 0;
    while (!place->slots[at] || weir__table_entry(table, (uint32_t)place->slots[at]) != entry) {
        WEIR_ASSERT(passed++ <= place->mask, "a value was removed that is not in the table");
        at = (at + 1) & place->mask;
    }
    uint32_t index = (uint32_t)place->slots[at];
    close_gap(table, place, at);
    table->slices[place->slice].count--;
    table->count--;
    weir__heap_forget(&table->heap, weir_record_heap_size(&table->pack.type, entry));
    entry_give_back(table, index);
    changed(table);
    weir__table_charge(table);
}
