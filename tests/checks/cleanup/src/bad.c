/* Ways out that come too early, and ways that do not. SPDX-License-Identifier: Apache-2.0 */

int too_early(int wrong)
{
    cleanup(buf_done) struct buf text; /* expect: text */

    if (wrong) {
        return -1;
    }
    buf_init(&text, 10);
    return 0;
}

int never_made(void)
{
    cleanup(arena_done) struct arena arena; /* expect: arena */

    return 0;
}

int in_time(int wrong)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, 10);
    return wrong ? -1 : 0;
}

int has_a_value(int wrong)
{
    cleanup(run_free_pointer) struct run *run = NULL;

    return wrong;
}
