#include <stdio.h>
void f(void) { fprintf(stderr, "allowed here"); }
