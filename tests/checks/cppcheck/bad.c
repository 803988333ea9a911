/* cppcheck must find the read behind the end. */
int f(void)
{
    int numbers[3] = {1, 2, 3};

    return numbers[3];
}
