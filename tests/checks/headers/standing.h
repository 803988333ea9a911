#include <stdint.h>
int standing(uint64_t value);
