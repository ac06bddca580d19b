/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's C++ program: the engine's headers compile and link as C++17.
 */
#include <cstring>
#include <iostream>
#include <weir/base.h>
#include <weir/frontier.h>

int main()
{
    weir_frontier frontier;
    weir_frontier_init(&frontier, 1);
    weir_time time = weir_time_1(5);
    weir_frontier_insert(&frontier, &time);
    char text[64];
    std::cout << "weir " << weir_version() << ' '
              << weir_frontier_text(&frontier, text, sizeof text) << '\n';
    weir_frontier_fini(&frontier);
    return std::strcmp(text, "{5}") != 0;
}
