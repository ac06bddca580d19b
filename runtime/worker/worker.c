/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's loop: take mail, apply changes, run dataflows, publish changes, wake the others;
 * then look again for as long as looking pays, then park (park.c).
 */
#include <sched.h>
#include <string.h>

#include "base/assert.h"
#include "comm/cores.h"
#include "dataflow/hooks.h"
#include "dataflow/letter.h"
#include "trace/segment.h"
#include "worker/cluster.h"
#include "worker/planted.h"

enum {
    SLICE_NS = 100 * 1000,
    STEP_BYTES = 1 << 20,
    SPIN_NS = 50 * 1000, /* more than a wake-up costs: or two workers would keep parking in turn */
    BUSY_NS = 4 * 1000 * 1000, /* between two pieces of what waits until there is nothing else */
    YIELD_NS = 100 * 1000, /* giving way is cheap for everyone else: longer */
    SPIN_SCORE_MAX = 8,
    TURNS_BY_CLOCK = 16, /* at most, by one look at it: it costs as much as a small step */
    ENTRY_HEADER = 8, /* u32 dataflow, u32 bytes of changes */
};

static void tell(weir__context *context, weir__dataflow *dataflow);
static bool publish_first(weir__context *context, weir__dataflow *dataflow,
                          weir__changes *changes);

/* Of output, before a step is spent: little beside what may be in flight. */
static size_t step_bytes(const weir__context *context)
{
    size_t most = (size_t)context->budget_share / 8;
    most = most < STEP_BYTES ? most : STEP_BYTES;
    return most > context->batch_bytes ? most : context->batch_bytes;
}

weir_status weir__worker_init(weir_worker *worker, weir_runtime *runtime, unsigned index)
{
    const weir_config *config = &runtime->config;
    memset(worker, 0, sizeof *worker);
    worker->runtime = runtime;
    weir__context *context = &worker->context;
    context->env = runtime->env;
    context->runtime = runtime;
    context->first = config->process * config->workers;
    context->local = index;
    context->locals = config->workers;
    context->self = context->first + index;
    context->workers = config->workers * config->processes;
    context->hash_seed = config->hash_seed;
    context->batch_bytes = config->batch_bytes;
    context->budget_share = (int64_t)(config->budget_bytes / context->workers);
    context->step_bytes = step_bytes(context);
    context->spill_dir = config->spill_dir;
    context->wrong = runtime->store ? &runtime->store->error : NULL;
    context->tick_ns = (uint64_t)config->epoch_tick_ms * 1000000;
    context->now_ns = runtime->env->now_ns(runtime->env->ctx);
    weir__agenda_init(&context->agenda);
    weir__events_init(worker);
    context->tell = tell;
    context->publish = publish_first;
    context->pool = weir__pool_create();
    if (!context->pool)
        return WEIR_NO_MEMORY;
    worker->yields = weir__cores_find(NULL).usable < config->workers;
    worker->spin_ns = config->spin_us ? (uint64_t)config->spin_us * 1000
                                      : worker->yields ? YIELD_NS : SPIN_NS;
    if (config->no_spin)
        worker->spin_ns = 0;
    worker->spin_score = SPIN_SCORE_MAX;
    return WEIR_OK;
}

void weir__worker_fini(weir_worker *worker)
{
    for (weir__call *call = worker->calls, *next; call; call = next) {
        next = call->next; /* asked for after its last turn */
        weir_free(call, sizeof *call);
    }
    if (worker->context.pool)
        weir__pool_close(worker->context.pool);
}

static void begin_running(weir_worker *worker)
{
    worker->running = true;
    weir__failed_by_user.allowed = true;
    weir__commands_take(worker); /* what was built before the start */
    weir__failed_by_user.allowed = false;
}

weir_status weir__worker_open(weir_worker *worker)
{
    if (worker->opened)
        return worker->broken ? WEIR_FAILED : WEIR_OK;
    worker->opened = true;
    weir__pool_adopt(worker->context.pool);
    weir__current_context = &worker->context;
    weir_error error = { 0 };
    weir_status status = weir__park_init(worker, &error);
    if (status != WEIR_OK)
        weir__runtime_fail(worker->runtime, &error);
    else if (!worker->context.cluster)
        begin_running(worker);
    worker->broken = worker->broken || status != WEIR_OK;
    return worker->broken ? WEIR_FAILED : WEIR_OK;
}

/* Whether it has begun. In a cluster it does once all processes are here. */
static bool is_running(weir_worker *worker)
{
    weir__cluster *cluster = worker->context.cluster;
    if (WEIR_LIKELY(worker->running))
        return true;
    if (cluster && !weir__cluster_ready(cluster)) {
        worker->context.now_ns = worker->context.env->now_ns(worker->context.env->ctx);
        if (worker->cluster)
            weir__cluster_receive(worker->cluster);
        if (!weir__cluster_ready(cluster))
            return false;
    }
    begin_running(worker);
    return !worker->broken;
}

void weir__worker_close(weir_worker *worker)
{
    if (!worker->opened)
        return;
    weir__current_context = &worker->context;
    weir__failed_by_user.allowed = true;
    weir__commands_fini(worker);
    weir__failed_by_user.allowed = false;
    weir__park_fini(worker);
    weir__current_context = NULL;
}

/* ---- changes of others, and ours to them ---- */

/* An entry has for each dataflow a header and its changes. What other workers of this process have
 * logged, the first one passes on to the other processes. */
static weir_status apply(weir_worker *worker, const weir_mail *mail, bool relays, weir_error *error)
{
    const char *data = mail->data;
    uint32_t head[2];
    for (size_t at = 0; at < mail->size; at += head[1]) {
        bool fits = mail->size - at >= ENTRY_HEADER;
        if (fits)
            memcpy(head, data + at, sizeof head);
        at += ENTRY_HEADER;
        if (!fits || head[1] > mail->size - at)
            return weir_error_set(error, WEIR_BAD_DATA, "an entry of the log does not fit");
        weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, head[0]);
        weir_status status = WEIR_OK;
        if (WEIR_LIKELY(dataflow))
            status = weir__dataflow_receive(dataflow, data + at, head[1], error);
        else
            weir__early_changes(worker, head[0], data + at, head[1]);
        if (status != WEIR_OK)
            return status;
        if (relays && dataflow)
            weir__cluster_relay(worker->cluster, dataflow, data + at, head[1]);
    }
    return WEIR_OK;
}

weir_status weir__worker_apply(weir_worker *worker, const weir_mail *mail, weir_error *error)
{
    return apply(worker, mail, false, error);
}

static void apply_entry(weir_worker *worker, const weir_mail *mail)
{
    weir_error error; /* it is large: set where there is one */
    if (apply(worker, mail, worker->cluster != NULL, &error) != WEIR_OK)
        weir__runtime_fail(worker->runtime, &error);
}

void weir__worker_deliver(weir_worker *worker, weir_batch *batch)
{
    weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, batch->mail_dataflow);
    if (WEIR_LIKELY(dataflow)) {
        weir__hook_received(dataflow, batch);
        weir__flow_receive(dataflow, batch->mail_port, batch);
    } else {
        weir__early_batch(worker, batch);
    }
}

static void take_mail(weir_worker *worker, weir_batch *batch)
{
    if (batch->mail_to == worker->context.self)
        weir__worker_deliver(worker, batch);
    else if (WEIR_LIKELY(batch->mail_dataflow < worker->next_id))
        weir__cluster_send(worker->cluster, batch); /* we have the connections */
    else
        weir__early_batch(worker, batch); /* others hear of it once we have built it */
}

static bool take_letters(weir_worker *worker)
{
    weir__context *context = &worker->context;
    weir_env *env = context->env;
    bool any = false;
    for (unsigned from = 0; from < context->locals; from++) {
        weir_mail mail;
        while (from != context->local && env->mail_take(env->ctx, context->local, from, &mail)) {
            take_mail(worker, weir__letter_open(&mail, context));
            any = true;
        }
    }
    return any;
}

static bool read_logs(weir_worker *worker)
{
    weir__context *context = &worker->context;
    weir_env *env = context->env;
    bool any = false;
    for (unsigned from = 0; from < context->locals; from++) {
        if (from == context->local)
            continue;
        weir_mail mail;
        if (WEIR_PLANTED(SWAPPED_SETS))
            any |= weir__planted_release(worker, from, apply_entry);
        while (env->log_read(env->ctx, context->local, from, &mail)) {
            any = true;
            if (WEIR_PLANTED(SWAPPED_SETS) && weir__planted_keep(worker, from, &mail))
                continue;
            apply_entry(worker, &mail);
            if (worker->turns % 64 == 0 && WEIR_PLANTED(ENTRY_TWICE))
                apply_entry(worker, &mail);
        }
    }
    return any;
}

/* Letters first: others wait for what comes of them, while the changes that came with them, which
 * only tell that there are letters, can be applied afterwards; at the next call at the latest. */
bool weir__worker_receive(weir_worker *worker)
{
    bool any = worker->cluster && weir__cluster_receive(worker->cluster);
    bool letters = take_letters(worker);
    if (letters && !worker->logs_wait) {
        worker->logs_wait = true;
        return true;
    }
    worker->logs_wait = false;
    if (read_logs(worker)) {
        take_letters(worker); /* they came before the changes that tell of them */
        return true;
    }
    return any || letters;
}

/* To the log that the other workers of this process read. */
static void append(weir_worker *worker, const weir__dataflow *dataflow,
                   const weir__changes *changes)
{
    weir__context *context = &worker->context;
    weir_env *env = context->env;
    weir__depths depths = weir__topology_depths(dataflow->graph->topology);
    size_t most = weir__changes_encoded_most(changes, depths);
    char *room = env->log_room(env->ctx, context->local, ENTRY_HEADER + most);
    size_t size = weir__changes_encode(changes, depths, room + ENTRY_HEADER);
    uint32_t head[2] = { dataflow->graph->id, (uint32_t)size };
    memcpy(room, head, sizeof head);
    env->log_commit(env->ctx, context->local, ENTRY_HEADER + size);
    __atomic_store_n(&worker->progress_bytes, worker->progress_bytes + size + ENTRY_HEADER,
                     __ATOMIC_RELAXED);
    for (unsigned w = 0; w < context->locals; w++)
        if (w != context->local)
            weir__context_notify(context, w);
}

static void send_changes(weir_worker *worker, weir__dataflow *dataflow, weir__changes *changes)
{
    if (WEIR__HOOKED(&worker->context))
        weir__event_changes(dataflow, WEIR_EVENT_PUBLISHED, changes,
                            weir__changes_encoded_size(changes, weir__topology_depths(
                                                           dataflow->graph->topology)));
    if (worker->context.locals > 1)
        append(worker, dataflow, changes);
    if (worker->cluster)
        weir__cluster_publish(worker->cluster, dataflow, changes);
}

static void publish(weir_worker *worker, weir__dataflow *dataflow)
{
    send_changes(worker, dataflow, &dataflow->unpublished);
    weir__changes_clear(&dataflow->unpublished);
}

static bool publish_first(weir__context *context, weir__dataflow *dataflow, weir__changes *changes)
{
    if (WEIR_PLANTED(SPLIT_SET) || WEIR_PLANTED(NONE_BEFORE_PARK))
        return false;
    send_changes((weir_worker *)context, dataflow, changes);
    return true;
}

/* All or nothing. Everything, unless there is other work and nobody may be waiting for it. */
static bool is_due(const weir__dataflow *dataflow)
{
    return !weir__changes_is_empty(&dataflow->unpublished) &&
           ((dataflow->active_count == 0 && !WEIR_PLANTED(NONE_BEFORE_PARK)) ||
            weir__tracker_must_publish(dataflow->tracker, &dataflow->unpublished));
}

static void wake_others(weir_worker *worker)
{
    weir__context *context = &worker->context;
    for (unsigned word = 0; word < 4; word++) {
        uint64_t mask = context->mail_mask[word];
        context->mail_mask[word] = 0;
        if ((mask & (mask - 1)) && WEIR_PLANTED(WAKE_LOST))
            mask &= -mask;
        for (; mask; mask &= mask - 1)
            context->env->wake(context->env->ctx,
                               word * 64 + (unsigned)__builtin_ctzll(mask));
    }
}

static void tell(weir__context *context, weir__dataflow *dataflow)
{
    if (context->workers < 2)
        return;
    weir_worker *worker = (weir_worker *)context;
    if (is_due(dataflow))
        publish(worker, dataflow);
    else if (!dataflow->told_first)
        return;
    dataflow->told_first = false;
    if (worker->cluster)
        weir__cluster_tell(worker->cluster);
    wake_others(worker);
}

/* True: nothing was left of it, and it is freed. */
static bool note_complete(weir_worker *worker, weir__dataflow *dataflow)
{
    if (!dataflow->told) {
        dataflow->told = true;
        weir__dataflow_completed(dataflow->shared);
    }
    return weir__worker_reclaim(worker, dataflow);
}

/* Gives each dataflow that has something to do a turn; whether anything ran. */
static bool run_ready(weir_worker *worker)
{
    weir__agenda *agenda = &worker->context.agenda;
    bool any = false;
    for (weir__dataflow *dataflow = weir__agenda_take(agenda), *next; dataflow; dataflow = next) {
        next = dataflow->item.next_ready;
        any |= weir__dataflow_turn(dataflow, SLICE_NS);
        dataflow->item.is_ready = false; /* whether it is again, its rest will see */
        bool due = worker->context.workers > 1 && !worker->context.failed && is_due(dataflow);
        /* a condition of constants alone: then every compiler leaves the call out */
        if (WEIR_PLANTED(SPLIT_SET) || WEIR_PLANTED(PART_PUBLISHED)) {
            if (due && (WEIR_PLANTED(SPLIT_SET) || dataflow->active_count)) {
                weir__planted_publish(worker, dataflow, publish);
                due = false;
            }
        }
        if (due)
            publish(worker, dataflow);
        if (WEIR_UNLIKELY(dataflow->complete) && note_complete(worker, dataflow))
            continue;
        weir__dataflow_rest(dataflow);
    }
    weir__agenda_note_epoch(&worker->context);
    return any;
}

/* ---- turns ---- */

static void take_calls(weir_worker *worker)
{
    weir__call *call = atomic_exchange_explicit(&worker->calls, NULL, memory_order_acquire);
    weir__call *ordered = NULL;
    while (call) { /* the stack has the newest on top */
        weir__call *next = call->next;
        call->next = ordered;
        ordered = call;
        call = next;
    }
    while (ordered) {
        weir__call *next = ordered->next;
        ordered->fn(worker, ordered->ctx);
        weir_free(ordered, sizeof *ordered);
        ordered = next;
    }
}

/* Asked to end: each source gets one more step, then ends; everything else runs on until it is
 * complete. */
static void end_sources(weir_worker *worker, bool inputs_only)
{
    for (weir__dataflow *dataflow = worker->first; dataflow; dataflow = dataflow->next)
        weir__worker_end_sources(dataflow, inputs_only);
}

static bool ends_at_once(const weir_worker *worker)
{
    const weir_runtime *runtime = worker->runtime;
    uint32_t stopping = __atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE) || stopping > 1 ||
           (stopping && !worker->running &&
            (!worker->context.cluster || weir__cluster_gives_up(worker->context.cluster)));
}

static bool has_work(const weir_worker *worker)
{
    if (!worker->running)
        return true;
    const weir__agenda *agenda = &worker->context.agenda;
    /* a node without capabilities may have more to do: a view */
    return agenda->incomplete || weir__agenda_is_active(agenda);
}

static void note_end(weir_worker *worker)
{
    if (worker->ended)
        return;
    __atomic_store_n(&worker->ended, true, __ATOMIC_RELEASE);
    weir__dataflows_notify(worker->runtime);
}

/* worker_main is told when all that there is is complete, and may go on; the worker itself ends
 * only if nothing can come any more. */
static __attribute__((noinline)) bool may_be_over(weir_worker *worker)
{
    if (ends_at_once(worker))
        return !worker->cluster || weir__cluster_is_over(worker->cluster);
    if (has_work(worker))
        return false;
    if (worker->in_program)
        return !weir__order_is_pending(worker->runtime) && !weir__order_has_more(worker);
    if (!weir__order_end(worker))
        return false;
    if (worker->cluster && !weir__cluster_is_over(worker->cluster))
        return false;
    note_end(worker);
    return true;
}

static inline bool is_over(weir_worker *worker)
{
    const weir_runtime *runtime = worker->runtime;
    if (WEIR_LIKELY(worker->context.agenda.incomplete &&
                    !__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE) &&
                    !__atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE)))
        return false;
    return may_be_over(worker);
}

/* Looks at the clock, but where the last look is known to be less than some microseconds old. */
static void look_at_clock(weir_worker *worker)
{
    weir_env *env = worker->context.env;
    bool is_fresh = worker->clock_is_fresh;
    worker->clock_is_fresh = false;
    if (!is_fresh && env->ticks) {
        uint64_t ticks = env->ticks(env->ctx);
        is_fresh = ticks - worker->clock_ticks < WEIR__TICKS_SHORT;
        if (!is_fresh)
            worker->clock_ticks = ticks;
    }
    if (is_fresh && ++worker->turns_by_clock < TURNS_BY_CLOCK)
        return;
    worker->context.now_ns = env->now_ns(env->ctx);
    worker->turns_by_clock = 0;
}

/* Who waits for a moment without other work does not wait for ever: now and then one node is called
 * though there is some. */
static __attribute__((noinline)) void fill_when_busy(weir_worker *worker)
{
    weir__context *context = &worker->context;
    if (worker->fill_due_ns == 0) {
        worker->fill_due_ns = context->now_ns + BUSY_NS;
    } else if (context->now_ns >= worker->fill_due_ns && worker->running) {
        worker->fill_due_ns = 0;
        weir__agenda_use_idle(&context->agenda);
    }
}

/* One turn; whether it found anything to do. */
static bool turn(weir_worker *worker)
{
    weir__context *context = &worker->context;
    look_at_clock(worker);
    weir__hook_turn(context);
    __atomic_store_n(&worker->turns, worker->turns + 1, __ATOMIC_RELAXED);
    weir__park_poll(worker);
    bool any = worker->received || (context->workers > 1 && weir__worker_receive(worker));
    worker->received = false;
    worker->in_turn = weir__failed_by_user.allowed = true;
    weir__wakers_take(context);
    if (WEIR_UNLIKELY(weir__order_has_more(worker)))
        any |= weir__commands_take(worker);
    if (WEIR_UNLIKELY(atomic_load_explicit(&worker->calls, memory_order_relaxed) != NULL)) {
        take_calls(worker);
        any = true;
    }
    if (WEIR_UNLIKELY(!worker->stop_seen &&
                      __atomic_load_n(&worker->runtime->stopping, __ATOMIC_ACQUIRE))) {
        worker->stop_seen = true;
        if (worker->cluster)
            weir__cluster_stop(worker->cluster);
        end_sources(worker, false);
        any = true;
    }
    weir__agenda_wake(context);
    if (WEIR_UNLIKELY(context->agenda.idle != NULL))
        fill_when_busy(worker);
    any |= run_ready(worker);
    if (worker->cluster)
        weir__cluster_flush(worker->cluster);
    wake_others(worker);
    if (WEIR_UNLIKELY(weir_memory_exhausted()) && !context->failed) {
        context->failed = true;
        weir_error_set(&context->error, WEIR_NO_MEMORY, "memory is used up on worker %u",
                       context->self);
        weir_error_hint(&context->error, "give the program more memory, or fewer records at once");
    }
    if (WEIR_UNLIKELY(context->failed))
        weir__runtime_fail(worker->runtime, &context->error);
    worker->in_turn = weir__failed_by_user.allowed = false;
    worker->found = any;
    if (any) {
        worker->fills_time = false;
        worker->found_ns = context->now_ns;
    }
    return any;
}

/* Entry of every public call that runs the worker: its thread is the calling one. */
static bool begin(weir_worker *worker)
{
    if (WEIR_UNLIKELY(!worker->opened || worker->broken) &&
        weir__worker_open(worker) != WEIR_OK)
        return false;
    if (worker->prepared) {
        worker->prepared = false;
        worker->rests++;
        worker->context.env->park_cancel(worker->context.env->ctx, worker->context.local);
    }
    return true;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether somebody left something for this worker: a few loads of lines it has in its cache. What
 * was there is taken. */
static bool peek(weir_worker *worker)
{
    weir__context *context = &worker->context;
    weir_env *env = context->env;
    if (context->workers > 1 &&
        (worker->cluster || !env->has_mail || env->has_mail(env->ctx, context->local)) &&
        weir__worker_receive(worker))
        return worker->received = true;
    return atomic_load_explicit(&context->woken, memory_order_relaxed) ||
           atomic_load_explicit(&worker->calls, memory_order_relaxed) ||
           weir__order_has_more(worker);
}

/* There has been nothing to do for a while: calls one node that waits for that. What comes
 * meanwhile waits for it, so it is a little at a time. False: there is none. */
static bool fill_time(weir_worker *worker)
{
    if (WEIR_LIKELY(!worker->context.agenda.idle) || !worker->running)
        return false;
    if (peek(worker)) {
        turn(worker);
        return true;
    }
    const weir__live *live = worker->context.live;
    uint64_t found_ns = worker->found_ns, steps = live->steps;
    worker->fill_due_ns = 0;
    weir__agenda_use_idle(&worker->context.agenda);
    turn(worker);
    if (live->steps - steps > 1)
        return true; /* other work came meanwhile, or was made */
    worker->found = false;
    worker->found_ns = found_ns;
    worker->fills_time = true;
    return true;
}

/* For a host that polls: it may have other things to do soon. */
static void fill_when_quiet(weir_worker *worker)
{
    if (worker->context.now_ns - worker->found_ns >= worker->spin_ns)
        fill_time(worker);
}

bool weir_worker_step(weir_worker *worker)
{
    if (!begin(worker))
        return false;
    if (is_running(worker) && !turn(worker))
        fill_when_quiet(worker);
    return !is_over(worker);
}

/* Looks for work for as long as a wake-up costs, while that has paid lately. */
static bool spin(weir_worker *worker)
{
    enum {
        PEEKS = 160, /* between two looks at the clock and at descriptors */
        EAGER = 128, /* of them without a pause, which would be seen in the time of a round */
    };
    if (worker->spin_ns == 0 || (worker->spin_score <= 0 && worker->parks % 32 != 0))
        return false;
    uint64_t until = worker->context.now_ns + worker->spin_ns;
    do {
        bool found = false;
        for (int i = 0; i < (worker->yields ? 1 : PEEKS) && !found; i++) {
            if (worker->yields)
                sched_yield();
            else if (i >= EAGER)
                relax();
            found = peek(worker);
        }
        worker->clock_is_fresh = found;
        if (turn(worker) || found) {
            if (worker->spin_score < SPIN_SCORE_MAX)
                worker->spin_score += 2;
            return true;
        }
        if (is_over(worker))
            return true;
    } while (worker->context.now_ns < until);
    if (worker->spin_score > 0)
        worker->spin_score--;
    return false;
}

/* Spins, but where that has just been in vain and only time was filled since. */
static bool look_again(weir_worker *worker)
{
    return !worker->fills_time && spin(worker);
}

/* Whether the next thing to do is to wait for others: the last turn has done what there was, and
 * nobody has given this worker anything since. */
static bool waits_for_others(weir_worker *worker)
{
    return worker->found && worker->context.workers > 1 && !worker->context.agenda.ready;
}

bool weir_worker_step_or_park(weir_worker *worker, uint64_t timeout_ns)
{
    if (!begin(worker))
        return false;
    bool running = is_running(worker);
    /* a turn that finds nothing costs as much as half a way between two cores */
    if (running && timeout_ns && waits_for_others(worker) && spin(worker))
        return !is_over(worker);
    bool any = running && turn(worker);
    if (is_over(worker))
        return false;
    if (!any && timeout_ns == 0)
        fill_when_quiet(worker);
    if (any || timeout_ns == 0 || (running && (look_again(worker) || fill_time(worker))))
        return !is_over(worker);
    weir__park_wait(worker, timeout_ns);
    return !is_over(worker);
}

bool weir__worker_go_on(weir_worker *worker)
{
    if (!begin(worker))
        return false;
    bool running = is_running(worker);
    if (!(running && turn(worker)) && !ends_at_once(worker) &&
        !(running && (look_again(worker) || fill_time(worker))))
        weir__park_wait(worker, UINT64_MAX);
    return !ends_at_once(worker);
}

bool weir_worker_prepare_wait(weir_worker *worker, uint64_t *timeout_ns)
{
    if (!begin(worker) || is_over(worker))
        return false;
    weir_env *env = worker->context.env;
    env->park_prepare(env->ctx, worker->context.local);
    worker->prepared = true;
    weir__park_arm(worker);
    if (is_running(worker) && (turn(worker) || is_over(worker))) /* over: its goodbye just left */
        return false;
    if (fill_time(worker))
        return false;
    if (worker->cluster && weir__cluster_has_work(worker->cluster))
        return false;
    if (worker->running && weir__commands_wait(worker)) /* it came too late for this turn */
        return false;
    uint64_t due = weir__worker_due_ns(worker), now = worker->context.now_ns;
    uint64_t wait = due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0;
    uint64_t timers = weir__park_timers_ns(worker);
    *timeout_ns = timers < wait ? timers : wait;
    return true;
}

void weir__worker_run(weir_worker *worker)
{
    const weir_config *config = &worker->runtime->config;
    bool opened = weir__worker_open(worker) == WEIR_OK;
    weir__batch_spare_open();
    while (opened && !worker->running && weir_worker_step_or_park(worker, UINT64_MAX))
        ; /* until all processes are here */
    if (opened && config->worker_main && worker->running) {
        worker->in_program = true;
        config->worker_main(worker, config->ctx);
        worker->in_program = false;
        worker->program_ended = true;
        end_sources(worker, true); /* what its program left open is closed */
        weir__order_end_program(worker->runtime);
    }
    while (opened && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    weir__batch_spare_close();
    note_end(worker);
}

unsigned weir_worker_index(const weir_worker *worker) { return worker->context.self; }
unsigned weir_worker_count(const weir_worker *worker) { return worker->context.workers; }
weir_runtime *weir_worker_runtime(const weir_worker *worker) { return worker->runtime; }
struct uv_loop_s *weir_worker_loop(weir_worker *worker) { return worker->context.loop; }

uint64_t weir_worker_now_ns(const weir_worker *worker)
{
    return worker->context.env->now_ns(worker->context.env->ctx);
}

/* Of what this worker has not built yet, anything may come; of what is gone, nothing. */
const weir_frontier *weir_probe_frontier(const weir_probe *probe, weir_worker *worker)
{
    static const weir_frontier all[WEIR_TIME_COORDS] = { { .depth = 1, .count = 1 },
                                                         { .depth = 2, .count = 1 },
                                                         { .depth = 3, .count = 1 },
                                                         { .depth = 4, .count = 1 } };
    static const weir_frontier none = { .depth = 1 };
    WEIR_ASSERT(probe && probe->graph->runtime == worker->runtime, "a probe of another runtime");
    uint32_t id = probe->graph->id;
    const weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, id);
    if (WEIR_LIKELY(dataflow))
        return weir__tracker_frontier(dataflow->tracker, probe->topology_port);
    return id < worker->next_id ? &none : &all[probe->depth - 1];
}

bool weir_probe_less_than(const weir_probe *probe, weir_worker *worker, const weir_time *t)
{
    return weir_frontier_less_than(weir_probe_frontier(probe, worker), t);
}

bool weir_probe_less_equal(const weir_probe *probe, weir_worker *worker, const weir_time *t)
{
    return weir_frontier_less_equal(weir_probe_frontier(probe, worker), t);
}

bool weir_probe_done(const weir_probe *probe, weir_worker *worker)
{
    return weir_frontier_is_empty(weir_probe_frontier(probe, worker));
}
