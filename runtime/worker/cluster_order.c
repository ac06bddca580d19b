/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of commands between processes. What a process requests goes to process 0, in the order
 * in which it was requested; process 0 gives it its place and sends it to all; so what comes back
 * of one's own is always the oldest that has no answer yet.
 *
 *   any thread ─→ requests ─→ process 0: append, and to all ─→ append (here the command asked for)
 *
 * When nothing is left to do in a process, it says so, with the number of commands that it has
 * done. Process 0 ends the order once all have said so of all there are. A request that comes from
 * outside of the workers after that is too late, as it is in one process.
 *
 * Also: each process tells the others how it described a dataflow, before anything else of it, and
 * when it has nothing left of it; and process 0, when it has discarded what is being removed. When
 * all have, process 0 asks that all drop it.
 */
#include <string.h>

#include "comm/note.h"
#include "worker/cluster_inside.h"
#include "worker/facts.h"

static bool gives_order(const weir__cluster *cluster)
{
    return cluster->runtime->config.process == 0;
}

/* ---- notes ---- */

static void put(weir__cluster *cluster, unsigned process, const weir__note *note)
{
    weir__wire *wire = weir__mesh_wire(cluster->mesh, process);
    size_t texts = (size_t)note->first.len + note->second.len + note->data.len;
    if (wire)
        weir__wire_commit(wire, weir__note_put(
                                    weir__wire_room(wire, WEIR__FRAME_ROOM + texts), note));
}

static void put_to_all(weir__cluster *cluster, const weir__note *note)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (p != cluster->runtime->config.process)
            put(cluster, p, note);
}

static weir_str text_of(const char *text)
{
    return text ? weir_str_of(text) : weir_str_view(NULL, 0);
}

/* process: who asked for it. */
static weir__note note_of(const weir__command *command, unsigned process)
{
    const weir_dataflow *dataflow = command->dataflow;
    weir__note note = { .process = process, .number = command->place };
    if (dataflow)
        note.dataflow = __atomic_load_n(&dataflow->id, __ATOMIC_ACQUIRE);
    switch (command->kind) {
    case WEIR__BUILD:
        note.kind = WEIR__NOTE_BUILD;
        note.status = __atomic_load_n(&dataflow->keep, __ATOMIC_RELAXED);
        note.first = text_of(dataflow->build->name);
        note.second = text_of(dataflow->name);
        note.data = weir_str_view(dataflow->args, dataflow->args_size);
        return note;
    case WEIR__REMOVE:
        note.kind = WEIR__NOTE_REMOVE;
        note.dataflow = command->id;
        if (command->size) {
            const weir_error *why = (const void *)command->data;
            note.status = (uint32_t)why->status;
            note.first = weir_str_of(why->what);
            note.second = weir_str_of(why->hint);
        }
        return note;
    case WEIR__DROP:
        note.kind = WEIR__NOTE_DROP;
        note.dataflow = command->id;
        return note;
    case WEIR__ENTRY:
        note.kind = WEIR__NOTE_ENTRY;
        note.first = text_of(weir__sequencer_name(command->sequencer));
        note.data = weir_str_view(command->data, command->size);
        return note;
    default:
        note.kind = WEIR__NOTE_BARRIER;
        return note;
    }
}

/* ---- commands of others ---- */

static bool is_called(const weir_str *text, const char *name)
{
    return text->len == strlen(name) && memcmp(weir_str_data(text), name, text->len) == 0;
}

static char *copy_of(const weir_str *text, char *room, size_t size)
{
    size_t len = text->len < size ? text->len : size - 1;
    memcpy(room, weir_str_data(text), len);
    room[len] = 0;
    return room;
}

static weir__command *build_command(weir_runtime *runtime, const weir__note *note)
{
    const weir__build *build = runtime->builds;
    while (build && !is_called(&note->first, build->name))
        build = build->next;
    if (!build)
        return NULL;
    char *name = weir_alloc_must(note->second.len + 1);
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .keep = note->status != 0,
                                .args = note->data.len ? weir_str_data(&note->data) : NULL,
                                .args_size = note->data.len };
    if (note->second.len)
        spec.name = copy_of(&note->second, name, note->second.len + 1);
    weir__command *command = weir__command_create(WEIR__BUILD, 0);
    command->dataflow = weir__dataflow_new(runtime, build, &spec);
    weir_free(name, note->second.len + 1);
    return command;
}

static weir__command *of_dataflow(weir_runtime *runtime, const weir__note *note,
                                  weir__command_kind kind, size_t size)
{
    if (note->dataflow >= runtime->order.next_id) /* which the first worker alone counts up */
        return NULL;
    weir__command *command = weir__command_create(kind, size);
    command->id = note->dataflow;
    command->dataflow = weir__dataflow_by_id(runtime, note->dataflow);
    return command;
}

static weir__command *remove_command(weir_runtime *runtime, const weir__note *note)
{
    weir__command *command =
        of_dataflow(runtime, note, WEIR__REMOVE, note->status ? sizeof(weir_error) : 0);
    if (command && note->status) {
        weir_error *why = (void *)command->data;
        memset(why, 0, sizeof *why);
        const weir__complaint complaint = { .status = note->status, .what = note->first,
                                            .hint = note->second };
        weir__complaint_error(&complaint, "another process does not say why", why);
        weir_error_detail(why, "in process %u", note->process);
    }
    return command;
}

static weir__command *entry_command(weir_runtime *runtime, const weir__note *note)
{
    weir_sequencer *sequencer = runtime->sequencers;
    while (sequencer && !is_called(&note->first, weir__sequencer_name(sequencer)))
        sequencer = weir__sequencer_next(sequencer);
    if (!sequencer)
        return NULL;
    weir__command *command = weir__command_create(WEIR__ENTRY, note->data.len);
    command->sequencer = sequencer;
    if (note->data.len)
        memcpy(command->data, weir_str_data(&note->data), note->data.len);
    return command;
}

/* NULL: it cannot be. */
static weir__command *command_of(weir_runtime *runtime, const weir__note *note)
{
    switch (note->kind) {
    case WEIR__NOTE_BUILD:
        return build_command(runtime, note);
    case WEIR__NOTE_REMOVE:
        return remove_command(runtime, note);
    case WEIR__NOTE_DROP:
        return of_dataflow(runtime, note, WEIR__DROP, 0);
    case WEIR__NOTE_ENTRY:
        return entry_command(runtime, note);
    default:
        return weir__command_create(WEIR__BARRIER, 0);
    }
}

/* ---- their places ---- */

/* In process 0. The command lives on: this worker has not done it yet. */
static void give_place(weir__cluster *cluster, weir__command *command, unsigned process)
{
    if (weir__order_append(cluster->runtime, command, NULL) != WEIR_OK)
        return; /* all is over: whoever asked finds that out from the END before this */
    weir__note note = note_of(command, process);
    put_to_all(cluster, &note);
}

static weir_status on_request(weir__cluster *cluster, unsigned process, const weir__note *note,
                              weir_error *error)
{
    weir__command *command = note->process == process ? command_of(cluster->runtime, note) : NULL;
    if (!command)
        return weir__cluster_refuse(error, process, "a command that cannot be");
    give_place(cluster, command, process);
    return WEIR_OK;
}

static bool is_same(const weir__command *command, const weir__note *note)
{
    weir__note own = note_of(command, note->process);
    return own.kind == note->kind &&
           (note->kind != WEIR__NOTE_REMOVE || own.dataflow == note->dataflow);
}

static weir_status on_placed(weir__cluster *cluster, const weir__note *note, weir_error *error)
{
    weir_runtime *runtime = cluster->runtime;
    bool is_own = note->process == runtime->config.process;
    bool fits = note->number == runtime->order.count &&
                (note->kind != WEIR__NOTE_BUILD || note->dataflow == runtime->order.next_id);
    weir__command *command = NULL;
    if (fits)
        command = is_own ? weir__order_answered(runtime) : command_of(runtime, note);
    if (!command || (is_own && !is_same(command, note))) {
        if (command)
            weir__command_destroy(command);
        return weir__cluster_refuse(error, 0, "a command that does not come next");
    }
    weir_status status = weir__order_append(runtime, command, error);
    if (is_own)
        weir__order_placed(runtime);
    return status;
}

/* ---- the end ---- */

static bool all_are_idle(const weir__cluster *cluster, uint64_t count)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (cluster->idle_at[p] != count + 1)
            return false;
    return true;
}

/* In process 0. */
static void end_order(weir__cluster *cluster)
{
    uint64_t count = cluster->runtime->order.count;
    if (cluster->runtime->order.closed || !all_are_idle(cluster, count) ||
        !weir__order_close(cluster->runtime, count))
        return;
    put_to_all(cluster, &(weir__note){ .kind = WEIR__NOTE_END, .number = count });
}

/* Whether it is to be said, and of how many commands. */
static bool is_idle(const weir__cluster *cluster, uint64_t *count)
{
    return weir__order_is_idle(cluster->runtime, count) && cluster->idle_told != *count + 1 &&
           !__atomic_load_n(&cluster->news, __ATOMIC_ACQUIRE) &&
           weir__cluster_has_told_all(cluster);
}

static void put_idle(weir__cluster *cluster)
{
    uint64_t count;
    if (!is_idle(cluster, &count))
        return;
    cluster->idle_told = cluster->idle_at[cluster->runtime->config.process] = count + 1;
    if (gives_order(cluster))
        end_order(cluster);
    else
        put(cluster, 0, &(weir__note){ .kind = WEIR__NOTE_IDLE, .number = count });
}

void weir__cluster_put_order(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    unsigned self = runtime->config.process;
    weir__command *command;
    while (weir__order_is_pending(runtime) && (command = weir__order_take_request(runtime))) {
        if (gives_order(cluster)) {
            give_place(cluster, command, self);
            weir__order_placed(runtime);
        } else {
            weir__note note = note_of(command, self);
            put(cluster, 0, &note);
            weir__order_asked(runtime, command);
        }
    }
    put_idle(cluster);
}

bool weir__cluster_has_order(const weir__cluster *cluster)
{
    uint64_t count;
    return weir__order_has_requests(cluster->runtime) || is_idle(cluster, &count);
}

/* ---- how dataflows are described ---- */

static bool is_refused(const weir_dataflow *shared)
{
    return __atomic_load_n(&shared->described, __ATOMIC_ACQUIRE) == WEIR__REFUSED;
}

void weir__cluster_built(weir__cluster *cluster, const weir_dataflow *shared)
{
    weir__note note = { .kind = WEIR__NOTE_BUILT, .dataflow = shared->id,
                        .process = cluster->runtime->config.process };
    if (is_refused(shared)) {
        note.status = (uint32_t)shared->error->status;
        note.first = weir_str_of(shared->error->what);
        note.second = weir_str_of(shared->error->hint);
    } else {
        note.number = shared->graph->fingerprint;
        note.layouts = weir__facts_layouts(shared->graph);
    }
    put_to_all(cluster, &note);
}

static weir_status one_could_not(const weir__cluster *cluster, const weir_dataflow *shared,
                                 const weir__note *note, weir_error *error)
{
    unsigned self = cluster->runtime->config.process;
    bool they = note->status != 0;
    weir_str own = text_of(shared->error ? shared->error->what : NULL);
    const weir_str *why = they ? &note->first : &own;
    weir_error_set(error, WEIR_INVALID, "dataflow '%.100s' could be built by process %u, but not "
                   "by process %u: %.*s", shared->name, they ? self : note->process,
                   they ? note->process : self, (int)(why->len < 200 ? why->len : 200),
                   weir_str_data(why));
    weir_error_hint(error, "a build function has to do the same in all processes");
    return WEIR_INVALID;
}

static weir_status compare(const weir__cluster *cluster, const weir_dataflow *shared,
                           const weir__note *note, weir_error *error)
{
    unsigned self = cluster->runtime->config.process;
    uint64_t layouts = weir__facts_layouts(shared->graph);
    bool graphs = note->number != shared->graph->fingerprint;
    if (!graphs && note->layouts == layouts)
        return WEIR_OK;
    weir_error_set(error, WEIR_INVALID, "process %u and process %u differ in %s dataflow '%.100s': "
                   "fingerprint %016llx and fingerprint %016llx", note->process, self,
                   graphs ? "the graph of" : "the records that are exchanged in", shared->name,
                   (unsigned long long)(graphs ? note->number : note->layouts),
                   (unsigned long long)(graphs ? shared->graph->fingerprint : layouts));
    weir_error_hint(error, "a build function has to do the same in all processes");
    return WEIR_INVALID;
}

static weir_status on_built(weir__cluster *cluster, const weir__note *note, weir_error *error)
{
    weir_dataflow *shared = weir__dataflow_by_id(cluster->runtime, note->dataflow);
    if (!shared)
        return weir__cluster_refuse(error, note->process, "a dataflow that is gone");
    bool refused = is_refused(shared);
    weir_status status = WEIR_OK;
    if (refused != (note->status != 0))
        status = one_could_not(cluster, shared, note, error);
    else if (refused)
        weir__dataflow_freed_elsewhere(shared);
    else
        status = compare(cluster, shared, note, error);
    weir_dataflow_release(shared);
    return status;
}

/* ---- and freed ---- */

void weir__cluster_put_freed(weir__cluster *cluster, weir_dataflow *shared)
{
    if (weir__dataflow_tell_freed(shared))
        put_to_all(cluster, &(weir__note){ .kind = WEIR__NOTE_FREED, .dataflow = shared->id,
                                           .process = cluster->runtime->config.process });
}

static weir_status on_freed(weir__cluster *cluster, const weir__note *note, weir_error *error)
{
    weir_dataflow *shared = weir__dataflow_by_id(cluster->runtime, note->dataflow);
    if (!shared)
        return weir__cluster_refuse(error, note->process, "the end of a dataflow that is gone");
    weir__dataflow_freed_elsewhere(shared);
    weir_dataflow_release(shared);
    return WEIR_OK;
}

/* ---- and discarded, before that ---- */

void weir__cluster_put_discarded(weir__cluster *cluster, weir_dataflow *shared)
{
    if (!weir__dataflow_tell_discarded(shared))
        return;
    if (gives_order(cluster))
        weir__dataflow_discarded_in_one(shared);
    else
        put(cluster, 0,
            &(weir__note){ .kind = WEIR__NOTE_DISCARDED,
                           .dataflow = shared->id,
                           .process = cluster->runtime->config.process });
}

/* In process 0, which may know it to be gone, or not have built it yet. */
static weir_status on_discarded(weir__cluster *cluster, unsigned process, const weir__note *note,
                                weir_error *error)
{
    if (note->process != process || note->dataflow >= cluster->runtime->order.next_id)
        return weir__cluster_refuse(error, process, "a removal that cannot be");
    weir_dataflow *shared = weir__dataflow_by_id(cluster->runtime, note->dataflow);
    if (shared)
        weir__dataflow_discarded_in_one(shared);
    weir_dataflow_release(shared);
    return WEIR_OK;
}

/* ---- what arrives ---- */

static weir_status on_dataflow(weir__cluster *cluster, unsigned process, const weir__note *note,
                               const weir__frame *frame, weir_error *error)
{
    if (note->process != process)
        return weir__cluster_refuse(error, process, "what another has to say");
    if (weir__cluster_is_early(cluster, note->dataflow))
        return weir__cluster_keep(cluster, process, note->dataflow, frame, error);
    return note->kind == WEIR__NOTE_BUILT ? on_built(cluster, note, error)
                                          : on_freed(cluster, note, error);
}

weir_status weir__cluster_on_note(weir__cluster *cluster, unsigned process,
                                  const weir__frame *frame, weir_error *error)
{
    weir__note note;
    if (!weir__note_get(frame, &note))
        return weir__cluster_refuse(error, process, "a command whose head is wrong");
    if (note.kind == WEIR__NOTE_BUILT || note.kind == WEIR__NOTE_FREED)
        return on_dataflow(cluster, process, &note, frame, error);
    if (note.kind == WEIR__NOTE_IDLE && gives_order(cluster)) {
        cluster->idle_at[process] = note.number + 1;
        end_order(cluster);
        return WEIR_OK;
    }
    if (note.kind == WEIR__NOTE_END && process == 0) {
        weir__order_close(cluster->runtime, UINT64_MAX);
        return WEIR_OK;
    }
    if (note.kind <= WEIR__NOTE_BARRIER && gives_order(cluster))
        return on_request(cluster, process, &note, error);
    if (note.kind == WEIR__NOTE_DISCARDED && gives_order(cluster))
        return on_discarded(cluster, process, &note, error);
    if (note.kind <= WEIR__NOTE_DROP && process == 0)
        return on_placed(cluster, &note, error);
    return weir__cluster_refuse(error, process, "a command that is not its to give");
}
