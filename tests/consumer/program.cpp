/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's C++ program: the engine without the typed façade, with a record described by hand.
 */
#include <cstddef>
#include <iostream>
#include <weir/weir.h>

namespace {

struct number {
    int64_t value;
};
weir_input *numbers;
int64_t sum;

void square(const void *in, void *out, size_t count, void *)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = static_cast<const number *>(in)[i].value;
        static_cast<number *>(out)[i].value = value * value;
    }
}

void add(const weir_batch *batch, void *)
{
    for (size_t i = 0; i < batch->count; i++)
        sum += static_cast<const number *>(weir_batch_record(batch, i))->value;
}

void build(weir_graph *graph, void *type)
{
    weir_input_options input = {};
    input.struct_size = sizeof input;
    weir_stage_spec map = {};
    map.struct_size = sizeof map;
    map.kind = "square";
    map.in = map.out = static_cast<const weir_type *>(type);
    map.map = square;
    weir_stage_spec inspect = map;
    inspect.kind = "sum";
    inspect.map = nullptr;
    inspect.inspect = add;
    weir_port *in = weir__input_add(graph, map.in, &numbers, &input);
    weir_stage_add(weir_stage_add(in, &map), &inspect);
}

void feed(weir_worker *worker, void *)
{
    weir_input_handle *handle = weir__input_open(numbers, weir_worker_index(worker));
    for (int64_t i = 1; i <= 10; i++) {
        number record = { i };
        weir__input_send(handle, &record, 1);
    }
    weir__input_close(handle);
}

} // namespace

int main()
{
    weir_field field = { "value", WEIR_KIND_i64, false, 0, offsetof(number, value), 0 };
    weir_type type = {};
    type.struct_size = sizeof type;
    type.name = "number";
    type.size = sizeof(number);
    type.align = alignof(number);
    type.field_count = 1;
    type.fields = &field;
    weir_config config = {};
    config.struct_size = sizeof config;
    config.worker_main = feed;
    weir_error error;
    if (weir_run(&config, build, &type, &error) != WEIR_OK) {
        std::cout << error.what << '\n';
        return 1;
    }
    std::cout << "the sum of squares is " << sum << '\n';
    return sum == 385 ? 0 : 1;
}
