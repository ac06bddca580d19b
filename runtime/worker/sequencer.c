/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequencers and barriers: commands that mean something to the program alone.
 */
#include <string.h>

#include "base/assert.h"
#include "worker/runtime.h"

struct weir_sequencer {
    weir_sequencer *next;
    weir_runtime *runtime;
    char *name;
    weir_entry_fn *fn;
    void *ctx;
};

weir_sequencer *weir_sequencer_create(weir_runtime *runtime, const char *name, weir_entry_fn *fn,
                                      void *ctx, weir_error *error)
{
    if (runtime->started) {
        weir_error_set(error, WEIR_INVALID, "the sequencer '%s' was created after the start", name);
        weir_error_hint(error, "create it before weir_runtime_start, in every process");
        return NULL;
    }
    weir_sequencer **at = &runtime->sequencers;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            weir_error_set(error, WEIR_EXISTS, "there is a sequencer '%s' already", name);
            return NULL;
        }
    size_t size = strlen(name) + 1;
    weir_sequencer *sequencer = weir_alloc_must(sizeof *sequencer);
    *sequencer = (weir_sequencer){ NULL, runtime, memcpy(weir_alloc_must(size), name, size), fn,
                                   ctx };
    *at = sequencer;
    return sequencer;
}

const char *weir__sequencer_name(const weir_sequencer *sequencer) { return sequencer->name; }

weir_sequencer *weir__sequencer_next(const weir_sequencer *sequencer) { return sequencer->next; }

void weir__sequencers_destroy(weir_runtime *runtime)
{
    for (weir_sequencer *s = runtime->sequencers, *next; s; s = next) {
        next = s->next;
        weir_free(s->name, strlen(s->name) + 1);
        weir_free(s, sizeof *s);
    }
}

weir_status weir_sequencer_push(weir_sequencer *sequencer, const void *data, size_t size,
                                weir_error *error)
{
    weir__command *command = weir__command_create(WEIR__ENTRY, size);
    command->sequencer = sequencer;
    if (size)
        memcpy(command->data, data, size);
    return weir__order_request(sequencer->runtime, command, error);
}

void weir__sequencer_tell(weir_worker *worker, const weir__command *command)
{
    const weir_sequencer *sequencer = command->sequencer;
    sequencer->fn(&(weir_entry){ .data = command->data, .size = command->size,
                                 .place = command->place, .worker = worker }, sequencer->ctx);
}

uint64_t weir_worker_barrier_enter(weir_worker *worker)
{
    weir__command *command = weir__command_create(WEIR__BARRIER, 0);
    if (weir__order_submit(worker->runtime, command, NULL) != WEIR_OK)
        return 0; /* all is over: nobody comes any more */
    return ++worker->barriers_asked;
}

bool weir_worker_barrier_passed(const weir_worker *worker, uint64_t number)
{
    return number && worker->barriers_seen >= number * worker->context.workers;
}

bool weir_worker_barrier(weir_worker *worker)
{
    WEIR_ASSERT(!worker->in_turn, "worker %u waits at a barrier inside of its own turn",
                worker->context.self);
    uint64_t number = weir_worker_barrier_enter(worker);
    while (number && !weir_worker_barrier_passed(worker, number))
        if (!weir__worker_go_on(worker))
            return false;
    return number;
}
