/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's C++ program: the engine's headers compile and link as C++17.
 */
#include <iostream>
#include <string>
#include <weir/base.h>
#include <weir/memory.h>
#include <weir/type.h>

int main()
{
    weir_error error;
    char text[100];
    weir_error_set(&error, WEIR_INVALID, "no %s", "graph");
    weir_error_hint(&error, "make one");
    std::cout << weir_version() << ' ' << weir_error_text(&error, text, sizeof text) << '\n';
    return std::string(weir_status_name(error.status)) != "INVALID";
}
