void *f(void)
{
    return malloc(1); /* the one place */
}
