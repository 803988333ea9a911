/* clang-tidy must find that the size is that of a pointer. */
#include <string.h>

void f(const char *text, char *copy)
{
    memset(copy, sizeof(text), 0);
    if (text == 0)
        return;
}
