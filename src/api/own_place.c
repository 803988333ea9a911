/* SPDX-License-Identifier: Apache-2.0 */
#include "api/own_place.h"

bool is_own_place(struct str next)
{
    if (next.length == 0 || next.data[0] != '/' ||
        (next.length > 1 && (next.data[1] == '/' || next.data[1] == '\\'))) {
        return false;
    }
    for (size_t i = 0; i < next.length; i++) {
        if (next.data[i] <= ' ' || next.data[i] > '~' || next.data[i] == '\\') {
            return false;
        }
    }
    return true;
}
