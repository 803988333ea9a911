#include "base/low.h"
#include "engine/kernel.h"
#include <pthread.h>    /* expect: <pthread.h> */
#include <sys/socket.h> /* expect: <sys/socket.h> */
#include <time.h>       /* expect: <time.h> */
#include <string.h>
static const char *text = "printf(inside a text) stdout";
void f(struct reader *r)
{
    r->read(r);        /* a member of that name is no system call */
    fopen("a", "r");   /* expect: fopen */
    printf("x");       /* expect: printf */
    x = time(NULL);    /* expect: time() */
    g(stdout);         /* expect: stdout */
    snprintf(a, b, c); /* into memory: pure */
}
