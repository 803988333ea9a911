/* strcpy(a, b) in a comment is no call. */
static const char *text = "sprintf(";
void f(struct ops *ops)
{
    ops->free(ops);       /* a member of that name */
    my_strcpy(a, b);      /* another name */
    strcpy(a, b);         /* expect: strcpy */
    p = malloc(3);        /* expect: malloc */
    free (p);             /* expect: free */
    n = atoi(s) + rand(); /* expect: atoi expect: rand */
    sscanf(s, "%d", &n);  /* expect: sscanf */
    gmtime(&t);           /* expect: gmtime */
    snprintf(a, 3, "x");
}
